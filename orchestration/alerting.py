"""A word to a human: always to the log, and to a webhook where LEDGERLINE_ALERT_WEBHOOK names one.

Promise: an alert that cannot be delivered never fails what it reports, and the webhook's address (a secret, for
some services) appears in no message.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from logging import Logger

WEBHOOK = "LEDGERLINE_ALERT_WEBHOOK"
_TIMEOUT_SECONDS = 10.0
_LONGEST = 2000


def tell(log: Logger, *, severity: str, subject: str, text: str, env: Mapping[str, str] = os.environ) -> bool:
    """Tell of one incident; whether somebody will have heard (True also where no webhook is configured).

    The body is JSON: `text` (one line, as chat services show it), `severity`, `subject`, `detail`.
    """
    line = f"Ledgerline {severity}: {subject}"
    (log.error if severity == "ERROR" else log.warning)(f"{line}: {text}")
    url = env.get(WEBHOOK, "").strip()
    if not url:
        return True
    body = {
        "text": f"{line}\n{text[:_LONGEST]}",
        "severity": severity,
        "subject": subject,
        "detail": text[:_LONGEST],
    }
    try:
        if not url.startswith(("https://", "http://")):
            raise ValueError("not an http address")
        # Not httpx: it writes every address it calls into the log.
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - http only, see above
            return True
    except urllib.error.HTTPError as refused:
        log.error(f"the webhook of {WEBHOOK} answered {refused.code}; the alert will be sent again")
    except (OSError, ValueError) as problem:
        log.error(f"the alert could not be sent to {WEBHOOK}: {type(problem).__name__}; check address and network")
    return False
