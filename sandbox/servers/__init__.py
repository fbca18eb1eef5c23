"""Third-party servers on loopback without Docker: PostgreSQL, an S3 server that enforces Object Lock, Trino.

Promise: each is the real thing, keeps its state in a folder that is handed to it, listens on 127.0.0.1 only, and
ends with the block that started it. What cannot be had raises `Missing`, which says how to have it.
"""

from sandbox.servers.programs import Missing

__all__ = ["Missing"]
