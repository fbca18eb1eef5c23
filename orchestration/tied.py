"""What stands before the command line of a process that must not outlive whoever starts it, not even a `kill -9`.

`sandbox.servers.programs` has the same for servers of others: the sandbox is a stranger, and loading it would cost
each start of the UI the pretend tenant.
"""

import shutil


def tied() -> list[str]:
    """Told to end when the thread that starts it is gone, on Linux with util-linux; elsewhere nothing."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM", "--"] if found else []
