"""`OTEL_RESOURCE_ATTRIBUTES`: the custom dimensions that a machine states of itself, as one line of text.

Promise: what is encoded here is read back as given by any OpenTelemetry SDK. The rules are the specification's
(values are W3C baggage octets, everything else percent-encoded) and the client's: quoting does not help, quotes
would become part of the value.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from warehouse.telemetry.errors import SettingsRefused

# Keys the client sets itself: its own value wins over a custom one, so a custom one would be lost in silence.
BUILT_IN = frozenset(
    [
        "service.name", "service.version", "os.type", "os.version", "host.arch", "wsl.version", "session.id",
        "user.id", "user.email", "user.groups", "user.account_uuid", "user.account_id", "organization.id",
        "terminal.type", "app.version", "app.entrypoint", "identity.source", "prompt.id", "event.name",
        "event.timestamp", "event.sequence",
    ]
)  # fmt: skip
_KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Printable ASCII without space, double quote, comma, semicolon, backslash; `%` begins an escape.
_PLAIN = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_LONGEST = 255


def encoded(attributes: Mapping[str, str]) -> str:
    """The attributes as `key=value,key=value`, in the order given; values are percent-encoded already.

    Raises SettingsRefused for the first key or value that a client would misread.
    """
    return ",".join(f"{checked_key(key)}={checked_value(key, value)}" for key, value in attributes.items())


def checked_key(key: str) -> str:
    """The key as it is. Raises SettingsRefused where it is none, or one that the client overrules."""
    if not _KEY.fullmatch(key) or len(key) > _LONGEST:
        raise SettingsRefused(
            f"{key!r} is no name of a resource attribute",
            "use small letters, digits and _, with dots between words, as in team.id",
        )
    if key in BUILT_IN:
        raise SettingsRefused(
            f"{key} is set by Claude Code itself, whose value wins over yours",
            "choose another name; for the user of a machine without a sign-in it is enduser.id (--end-user)",
        )
    return key


def checked_value(key: str, value: str) -> str:
    """The value as it is. Raises SettingsRefused, with the form that would do, where a client would misread it."""
    if not value or value.isspace():
        raise SettingsRefused(f"{key} is empty", "give it a value, or leave the option out")
    wrong = sorted({letter for letter in value if letter != "%" and not _is_plain(letter)})
    if wrong:
        named = ", ".join("a space" if letter == " " else repr(letter) for letter in wrong)
        raise SettingsRefused(
            f"{key} holds {named}, which stands for itself in no resource attribute, also not inside quotes",
            f"write it percent-encoded: {percent_encoded(value)}",
        )
    if _ESCAPE.search(value):
        raise SettingsRefused(
            f"{key} holds a % that begins no escape", f"a percent sign is %25: {_ESCAPE.sub('%25', value)}"
        )
    try:
        meant = unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsRefused(
            f"{key} stands for bytes that are no UTF-8", "percent-encode the UTF-8 bytes of each letter"
        ) from None
    if not meant.isprintable() or len(meant) > _LONGEST:
        raise SettingsRefused(
            f"{key} stands for control characters or over {_LONGEST} letters", "use a short printable value"
        )
    return value


def percent_encoded(text: str) -> str:
    """A text as a value that is read back as this text; escapes that stand in it already are kept."""
    return quote(_ESCAPE.sub("%25", text.strip().strip("\"'")), safe=_PLAIN + "%")


def _is_plain(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter in _PLAIN)
