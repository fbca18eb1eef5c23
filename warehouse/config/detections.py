"""The settings of detections: folders of rules, files of places, what is suppressed and what is tuned, and why.

Each field's description is what an error names as right, so it is written to follow "Right: ".
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from warehouse.config.values import FilePath, Section, Text

_SPAN = r"^[1-9][0-9]*[smhdw]$"
_SPAN_SAID = 'a span of time in quotes, longer than none: "90s", "15m", "12h" or "30d"'
Span = Annotated[str, Field(pattern=_SPAN, description=_SPAN_SAID)]


class Decision(Section):
    """What somebody decided about a rule: never for ever, and never by nobody."""

    rule: Text = Field(description="a rule: its file name, id or title")
    reason: Text = Field(min_length=8, description="why, in a sentence")
    owner: Text = Field(description="who decided it")
    until: date = Field(description="the first day on which it holds no more: 2027-01-31")


class Suppress(Decision):
    """[[detections.suppress]]: alerts that somebody decided not to want for now, and until when."""

    about: dict[str, Text] = Field(
        default_factory=dict, description='a table of fields the rule groups by: {actor = "user_01AbC"}'
    )


class Threshold(Decision):
    """[[detections.thresholds]]: how much of something is enough for a rule, in the place of its own numbers."""

    count: int | None = Field(default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
    timespan: Span | None = Field(default=None, description=_SPAN_SAID)
    km_per_hour: int | None = Field(default=None, ge=1, le=100_000, description="a whole number from 1 to 100000")
    least_km: int | None = Field(default=None, ge=1, le=20_000, description="a whole number from 1 to 20000")
    silent_for: Span | None = Field(default=None, description=_SPAN_SAID)
    history: Span | None = Field(default=None, description=_SPAN_SAID)


class Detections(Section):
    """[detections]: folders of further Sigma rules, files of places, what is suppressed and what is tuned."""

    rules: tuple[FilePath, ...] = Field(
        default=(), strict=False, description='a list of folders: ["./rules"], or []'
    )
    geo: tuple[FilePath, ...] = Field(
        default=(), strict=False, description='a list of MMDB files: ["./city.mmdb", "./asn.mmdb"], or []'
    )
    suppress: tuple[Suppress, ...] = Field(
        default=(), strict=False, description="one [[detections.suppress]] table for each"
    )
    thresholds: tuple[Threshold, ...] = Field(
        default=(), strict=False, description="one [[detections.thresholds]] table for each"
    )
