"""The sign-off for an exception: one content switch turned on, for an investigation, until a day.

Promise: no exception without its end, its reason and who approved it; what it says about where content goes is
what the collector and the archive do.
"""

from dataclasses import dataclass
from datetime import date

from warehouse.telemetry.errors import SettingsRefused
from warehouse.telemetry.settings import CONTENT_SWITCHES

LONGEST_DAYS = 31
_SHORTEST_REASON = 10


@dataclass(frozen=True)
class ContentException:
    """One switch, on from `since` to the end of `until` (UTC days)."""

    switch: str
    since: date
    until: date
    reason: str
    approved_by: str

    def __post_init__(self) -> None:
        if self.switch not in CONTENT_SWITCHES:
            raise SettingsRefused(f"{self.switch!r} is no content switch", f"one of {', '.join(CONTENT_SWITCHES)}")
        days = (self.until - self.since).days
        if days < 0:
            raise SettingsRefused(f"the exception ends on {self.until}, which is past", "name a day to come")
        if days > LONGEST_DAYS:
            raise SettingsRefused(
                f"the exception would last {days} days; the longest is {LONGEST_DAYS}",
                "end it earlier; a longer one is signed again",
            )
        if len(self.reason.strip()) < _SHORTEST_REASON or not self.reason.isprintable():
            raise SettingsRefused(
                "the reason says too little to be signed", "name the investigation and what it looks for"
            )
        if not self.approved_by.strip() or not self.approved_by.isprintable():
            raise SettingsRefused("nobody approved it", "name who did: --approved-by 'Jane Doe, DPO'")


def sign_off(exception: ContentException, machines: str) -> str:
    """The text to be signed, in Markdown. `machines` says in words which machines the file goes to."""
    return f"""\
# Sign-off: content of Claude Code sessions, for an investigation

| | |
| --- | --- |
| switch | `{exception.switch}` |
| what is sent because of it | {CONTENT_SWITCHES[exception.switch]} |
| machines | {_cell(machines)} |
| from | {exception.since} |
| until the end of (UTC) | {exception.until} |
| reason | {_cell(exception.reason)} |
| approved by | {_cell(exception.approved_by)} |

What is signed:

1. Only the machines of this investigation get the file. It replaces their managed settings.
2. The collector and the archive remove content before it is written, also while this switch is on. Who needs it
   reads it at a receiver of the investigation's own, with access and deletion agreed.
3. The client keeps sending content until the file without the switch is back. On {exception.until} it is put back,
   and the sessions that still run are ended: settings take effect when a session starts.
4. People concerned are told, or the reason why not is written below.
5. Afterwards `removed` of `ledgerline telemetry land --json` shows no attribute of content any more; that is the
   proof of the end, and is filed with this sheet.

| | name | date | signature |
| --- | --- | --- | --- |
| asked for by | | | |
| approved by | {_cell(exception.approved_by)} | | |
| data protection | | | |
| ended by | | | |

Not told, because:
"""


def _cell(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace("|", "\\|")
