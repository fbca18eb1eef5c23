"""Which host names can only mean this machine: to others, nothing is sent in the clear.

Promise: a name that a resolver could answer with another machine's address is none, so `*.localhost` is not.
"""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host (no port, no brackets) can only mean this machine: `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
