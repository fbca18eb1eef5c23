"""Whether a receiver is there, asked without sending it anything: a connection, and its certificate.

Promise: no request is made, so no receiver takes the question for an event; no address stands in the answer.
"""

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from warehouse.delivery.port import Outcome

SECONDS = 10.0


def knock(url: str, ca_file: Path | None = None) -> Outcome:
    """delivered: somebody is there, with a certificate that is trusted. retry: nobody answers. halt: another's."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or (443 if secure else 80)), SECONDS
        ) as line:
            if not secure:
                return Outcome(kind="delivered", reason="is there")
            trusted = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
            with trusted.wrap_socket(line, server_hostname=parts.hostname):
                return Outcome(kind="delivered", reason="is there, with a trusted certificate")
    except ssl.SSLCertVerificationError as problem:
        why = f"its certificate is not trusted ({problem.verify_message}): set ca_file, or correct the host name"
        return Outcome(kind="halt", reason=why)
    except ssl.SSLError:
        return Outcome(kind="halt", reason="something else than TLS answers there: check the port")
    except (socket.gaierror, UnicodeError):  # the second: a name whose form no resolver takes
        return Outcome(kind="retry", reason="the name of its host is not known")
    except OSError as problem:
        return Outcome(kind="retry", reason=f"no connection ({type(problem).__name__})")
