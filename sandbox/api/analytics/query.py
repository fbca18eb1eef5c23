"""Query strings of the Analytics API: known names only, lists with [], times and numbers in their bounds.

Where the reference leaves a point open, one answer is chosen and named here:
an unknown parameter is a 400, as on the Compliance API;
a repeated single-valued parameter counts with its last value.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from sandbox.api.errors import invalid

MAX_LIST = 100
_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Query:
    """A request's parameters, names checked: single values and lists."""

    single: dict[str, str]
    lists: dict[str, list[str]]
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, single: tuple[str, ...], lists: tuple[str, ...]) -> Query:
        """The parameters of a raw query string; 400 for a name that is not listed, or more than 100 values.

        Brackets may come plain or percent-encoded.
        """
        names = (*single, *(f"{name}[]" for name in lists))
        query = cls({}, {name: [] for name in lists}, names)
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in single:
                query.single[name] = value
            elif name.endswith("[]") and name[:-2] in query.lists:
                query.lists[name[:-2]].append(value)
            else:
                near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise invalid(f"Unknown query parameter: '{name}'.{hint}")
        for name, values in query.lists.items():
            if len(values) > MAX_LIST:
                raise invalid(f"{name}[]: List should have at most {MAX_LIST} items after validation")
        return query

    def digest(self) -> str:
        """What a cursor is bound to: every parameter but the cursor itself."""
        kept = sorted((name, value) for name, value in self.single.items() if name != "page")
        lists = sorted((name, sorted(values)) for name, values in self.lists.items() if values)
        return hashlib.sha256(repr((kept, lists)).encode()).hexdigest()[:16]

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A number in its bounds; 400."""
        text = self.single.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise invalid(f"{name}: Input should be a valid integer, unable to parse string as an integer")
        if int(text) < least:
            raise invalid(f"{name}: Input should be greater than or equal to {least}")
        if int(text) > most:
            raise invalid(f"{name}: Input should be less than or equal to {most}")
        return int(text)

    def flag(self, name: str) -> bool:
        """A bool, false where it is absent; 400."""
        text = self.single.get(name, "false").lower()
        if text not in ("true", "false", "1", "0"):
            raise invalid(f"{name}: Input should be a valid boolean, unable to interpret input")
        return text in ("true", "1")

    def choice(self, name: str, values: tuple[str, ...], default: str | None) -> str | None:
        """One of `values`; 400."""
        text = self.single.get(name)
        if text is None:
            return default
        if text not in values:
            raise invalid(f"{name}: Input should be {_either(values)}")
        return text

    def members(self, name: str, values: tuple[str, ...] | None = None) -> list[str]:
        """The values of a list, each one of `values` where those are closed; 400."""
        for position, value in enumerate(self.lists[name]):
            if values is not None and value not in values:
                raise invalid(f"{name}[].{position}: Input should be {_either(values)}")
        return list(dict.fromkeys(self.lists[name]))

    def minute(self, name: str) -> int | None:
        """A time as minutes since 1970 (seconds are cut off); 400 where it is none or has no offset."""
        if name not in self.single:
            return None
        try:
            return int(_TIME.validate_python(self.single[name]).timestamp() // 60)
        except ValidationError as problem:
            raise invalid(f"{name}: {problem.errors()[0]['msg']}") from problem
        except (OverflowError, ValueError) as problem:
            raise invalid(f"{name}: Input should be a valid datetime") from problem


def _either(values: tuple[str, ...]) -> str:
    quoted = [f"'{value}'" for value in values]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
