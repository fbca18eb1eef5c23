"""When and how it runs: Dagster's wiring and the command line. Nothing here knows a payload.

Promise: what any process of this floor writes is closed to the machine's other users; the group keeps what the
umask of whoever starts it gives. Archive, marts, reports, dead letters and Dagster's memory name people.
"""

import os

os.umask(os.umask(0o077) | 0o007)
