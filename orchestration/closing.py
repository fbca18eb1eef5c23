"""What this process writes is closed to the machine's other users, since archive, marts, reports and dead letters
name people.

Promise: called first by whatever starts a process of ours, and by nothing that is only imported.
"""

import os


def close_to_others() -> None:
    """Take from files and folders that are made from now on every right of others; the group keeps what the umask
    of whoever started us gives."""
    os.umask(os.umask(0o077) | 0o007)
