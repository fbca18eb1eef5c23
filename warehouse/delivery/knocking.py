"""Whether a receiver is there, asked without sending it anything: a connection, and its certificate.

Promise: no request is made, so no receiver takes the question for an event; no address stands in the answer.
"""

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from warehouse.delivery.port import Outcome

SECONDS = 10.0
UNTRUSTED_REMEDY = (
    "correct the host name, or have the authority of the certificate trusted (ca_file, where this type has it)"
)
_NO_TLS_REMEDY = "check the port, and whether the receiver speaks TLS there"
NO_NAME = "no connection: the name of the host is not known"
NO_NAME_REMEDY = "correct the host name, or mend the name service (DNS) of this machine; then run it again"
NOBODY_REMEDY = "check address and port, the firewall between, and whether the receiver is up; then run it again"


def knock(url: str, ca_file: Path | None = None) -> Outcome:
    """delivered: somebody is there, with a certificate that is trusted. retry: nobody answers. halt: another's.

    Where this machine reaches the address through a proxy, as requests do, the proxy is asked.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    proxy = urlsplit(getproxies().get(parts.scheme) or "")
    if proxy.hostname and not proxy_bypass(host):
        found = knock_at(proxy.hostname, proxy.port or 80)
        told = "the proxy on the way is there; the receiver itself was not asked"
    else:
        found = knock_at(host, port, secure=secure, ca_file=ca_file)
        told = f"{found.reason} (a wrong credential shows with the first event)"
    return found if found.kind != "delivered" else Outcome(kind="delivered", reason=told)


def knock_at(host: str, port: int, *, secure: bool = False, ca_file: Path | None = None) -> Outcome:
    """As `knock`, at a port; `secure`: with TLS."""
    try:
        line = socket.create_connection((host, port), SECONDS)
    except (socket.gaierror, UnicodeError):  # the second: a name whose form no resolver takes
        return Outcome(kind="retry", reason=NO_NAME, remedy=NO_NAME_REMEDY)
    except OSError as problem:
        known = {ConnectionRefusedError: "refused", TimeoutError: "nobody answered in time"}
        why = known.get(type(problem)) or problem.strerror or type(problem).__name__
        return Outcome(kind="retry", reason=f"no connection ({why})", remedy=NOBODY_REMEDY)
    with line:
        return _handshake(line, host, ca_file) if secure else Outcome(kind="delivered", reason="is there")


def _handshake(line: socket.socket, host: str, ca_file: Path | None) -> Outcome:
    trusted = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    try:
        with trusted.wrap_socket(line, server_hostname=host):
            return Outcome(kind="delivered", reason="is there, with a trusted certificate")
    except ssl.SSLCertVerificationError as problem:
        why = f"its certificate is not trusted ({problem.verify_message})"
        return Outcome(kind="halt", reason=why, remedy=UNTRUSTED_REMEDY)
    except TimeoutError:
        why = "it takes the connection and says nothing of TLS"
        return Outcome(kind="halt", reason=why, remedy=_NO_TLS_REMEDY)
    except ssl.SSLError:
        return Outcome(kind="halt", reason="something else than TLS answers there", remedy=_NO_TLS_REMEDY)
    except OSError as problem:
        why = f"it closed the connection before TLS began ({type(problem).__name__})"
        return Outcome(kind="retry", reason=why, remedy=_NO_TLS_REMEDY)
