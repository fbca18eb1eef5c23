"""A word to a human: always to the log; and to a webhook, to Slack, by e-mail, where the environment names one.

Promise: an alert that cannot be delivered never fails what it reports, and no address or password (secrets, for
some services) appears in a message.
"""

import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from logging import Logger
from typing import Any
from urllib.parse import unquote, urlsplit

from warehouse.wire.hosts import is_loopback

WEBHOOK = "LEDGERLINE_ALERT_WEBHOOK"
SLACK = "LEDGERLINE_ALERT_SLACK"
SMTP = "LEDGERLINE_ALERT_SMTP"
SMTP_PASSWORD = "LEDGERLINE_ALERT_SMTP_PASSWORD"  # noqa: S105 - a name
MAIL_FROM = "LEDGERLINE_ALERT_MAIL_FROM"
MAIL_TO = "LEDGERLINE_ALERT_MAIL_TO"
_TIMEOUT_SECONDS = 10.0
_LONGEST = 2000


def tell(log: Logger, *, severity: str, subject: str, text: str, env: Mapping[str, str] = os.environ) -> bool:
    """Tell of one incident; whether somebody will have heard (True also where nothing is configured).

    webhook: a JSON document of `text` (as chat services show it), `severity`, `subject`, `detail`. Slack: `text`
    alone, as its incoming webhooks take it. E-mail: the line as the subject, the text below it.
    """
    line = _harmless(f"Ledgerline {severity}: {subject}")
    text = "\n".join(map(_harmless, text.splitlines()))
    (log.error if severity == "ERROR" else log.warning)(f"{line}: {text}")
    told = f"{line}\n{text[:_LONGEST]}"
    ways: dict[str, Callable[[], None]] = {}
    if env.get(WEBHOOK, "").strip():
        body = {"text": told, "severity": severity, "subject": subject, "detail": text[:_LONGEST]}
        ways[WEBHOOK] = lambda: _post(env[WEBHOOK].strip(), body)
    if env.get(SLACK, "").strip():
        ways[SLACK] = lambda: _post(env[SLACK].strip(), {"text": _for_slack(told)})
    if env.get(SMTP, "").strip():
        ways[SMTP] = lambda: _mail(line, text[:_LONGEST], env)
    heard = [name for name, way in ways.items() if _tried(log, name, way)]
    return bool(heard) or not ways


def _tried(log: Logger, name: str, way: Callable[[], None]) -> bool:
    """Whether an alert got through one way; why not goes to the log, without the address."""
    try:
        way()
    except urllib.error.HTTPError as refused:
        log.error(f"the receiver of {name} answered {refused.code}; the alert will be sent again")
    except smtplib.SMTPResponseException as refused:
        log.error(f"the mail server of {name} answered {refused.smtp_code}; the alert will be sent again")
    except (OSError, ValueError, smtplib.SMTPException) as problem:
        log.error(f"the alert could not be sent to {name}: {type(problem).__name__}; check address and network")
    else:
        return True
    return False


def _post(url: str, body: dict[str, str]) -> None:
    """POST to https, or to this machine: the address is a secret. No redirect is followed."""
    parts = urlsplit(url)
    here = is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise ValueError("not an https address")
    # Not httpx: it writes every address it calls into the log.
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})  # noqa: S310
    ways = [_NoRedirect(), *([urllib.request.ProxyHandler({})] if here else [])]
    with urllib.request.build_opener(*ways).open(request, timeout=_TIMEOUT_SECONDS):
        pass


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other that is no success: it is told, and the alert sent again."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _harmless(line: str) -> str:
    """Text of which names and agents are part: no control character reaches the terminal that shows the log."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line)


def _for_slack(text: str) -> str:
    """Text that Slack shows as it is: no mention of everybody, no link under another name. Source: Slack's
    documentation, Formatting text for app surfaces, "Escaping text"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mail(line: str, text: str, env: Mapping[str, str]) -> None:
    """By `smtps://[user@]host[:465]`, or `smtp://[user@]host[:587]` with STARTTLS (not on this machine)."""
    parts = urlsplit(env[SMTP].strip())
    to = [one.strip() for one in env.get(MAIL_TO, "").split(",") if one.strip()]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not to:
        raise ValueError("no mail server or nobody to write to")
    message = EmailMessage()
    message["Subject"] = line
    message["From"] = env.get(MAIL_FROM, "").strip() or to[0]
    message["To"] = ", ".join(to)
    message.set_content(text)
    trusted = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(parts.hostname, parts.port or 465, timeout=_TIMEOUT_SECONDS, context=trusted)
    else:
        server = smtplib.SMTP(parts.hostname, parts.port or 587, timeout=_TIMEOUT_SECONDS)
    with server:
        if parts.scheme == "smtp" and not is_loopback(parts.hostname):
            server.starttls(context=trusted)
        if parts.username:
            server.login(unquote(parts.username), env.get(SMTP_PASSWORD, ""))
        server.send_message(message)
