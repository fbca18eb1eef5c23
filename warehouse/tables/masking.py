"""What a restriction does to the tables that people read: who is named is masked, everything else stays.

Promise: without a restriction no table changes by a character. With one, counts, times, types, versions and hashes
stay right, and what names the person is a fixed mark, in every version and as of every moment.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Final

from warehouse.archive.state import LogState, Restriction
from warehouse.tables.masking_rules import (
    KEPT_FIELDS,
    KEPT_OF_ACTOR,
    MARK,
    MASKED_RECORDS_BEGIN,
    PLAIN,
    RESTRICTED_RECORD,
    Rule,
    rule_of,
)
from warehouse.tables.masking_sql import Finder
from warehouse.tables.sql_literal import literal

EVERY_TABLE: Final = "*"
# What chargeback reads: books must be whole, and a statement shows cost centres, not persons.
ACCOUNTING: Final = ("cost_rows", "usage_rows", "legacy_cost_rows")


class Masks:
    """The restrictions that are on, as SQL over the columns of a table."""

    def __init__(
        self, restrictions: Sequence[Restriction], *, unmasked: Collection[str] = (), dialect: str = "duckdb"
    ) -> None:
        """`unmasked`: tables that are shown as they are all the same; EVERY_TABLE for all of them."""
        self.active = bool(restrictions) and EVERY_TABLE not in unmasked
        self._unmasked = unmasked
        self._find = Finder(restrictions, dialect)

    @classmethod
    def of(cls, state: LogState, *, unmasked: Collection[str] = (), dialect: str = "duckdb") -> "Masks":
        return cls([one for _, one in sorted(state.restricted().items())], unmasked=unmasked, dialect=dialect)

    def over(self, table: str, columns: Sequence[str], source: str) -> str | None:
        """The SELECT that reads `columns`, in their order, from `source` (a relation with these columns), masked
        where somebody is named; None where nothing is to be masked."""
        rule = rule_of(table, columns) if self.active and table not in self._unmasked else None
        return _Masked(rule, columns, self._find).select(source) if rule else None

    def text(self, column: str) -> str:
        """A text column, masked where it names somebody."""
        if not self.active:
            return column
        return f"case when {self._find.names_one(column)} then {literal(MARK)} else {column} end as {column}"

    def json(self, column: str, masked: str = "", where: str = "") -> str:
        """A JSON column of the log where it names somebody: `masked` (an expression), or else the mark alone.
        `where` is a condition without which nobody can be named: it saves the looking."""
        if not self.active:
            return column
        told = self._find.names_one(f"cast({column} as varchar)")
        told = f"{where} and {told}" if where else told
        masked = masked or f"cast({literal(json.dumps(MARK))} as json)"
        return f"case when {told} then {masked} else {column} end as {column}"

    def acted(self, table: str, columns: Sequence[str]) -> str:
        """A condition over the columns of a table: somebody who is restricted acted."""
        rule = rule_of(table, columns) if self.active else None
        return " or ".join(self._find.is_one(name) for name in rule.who) or "false" if rule else "false"

    def touches(self, table: str, columns: Sequence[str]) -> str:
        """A condition over the columns of a table: the row names somebody who is restricted."""
        rule = rule_of(table, columns) if self.active else None
        return _Masked(rule, columns, self._find).row() if rule else "false"


def fingerprint(state: LogState) -> str:
    """What tables made under other restrictions are told by; the empty text where none is on."""
    active = sorted((one.salt, sorted(one.digests)) for one in state.restricted().values())
    return hashlib.sha256(repr(active).encode()).hexdigest() if active else ""


class _Masked:
    def __init__(self, rule: Rule, columns: Sequence[str], find: Finder) -> None:
        self._rule, self._columns, self._find = rule, columns, find
        self._own = [name for name in rule.own if name in columns]
        told = [find.is_one(name) for name in rule.who] + [find.names_one(name) for name in rule.cells]
        self._flags = {"restricted_actor": " or ".join(told) or "false"}
        self._flags |= {f"restricted_{name}": find.is_one(name) for name in self._own}
        if "raw" in columns:
            self._flags["restricted_raw"] = find.names_one("raw")

    def row(self) -> str:
        return f"({' or '.join(self._flags.values())})"

    def select(self, source: str) -> str:
        """Three steps, so that each question is asked once a row: who is named, what stays, what is shown."""
        flags = ", ".join(f"({told}) as {name}" for name, told in self._flags.items())
        row = " or ".join(self._flags)
        kept = f", case when {row} then {self._kept()} end as restricted_kept" if self._rule.keeps_fields else ""
        shown = ", ".join(self._shown(name) for name in self._columns)
        return (
            f"select {shown} from (select *, ({row}) as restricted_row{kept} "  # noqa: S608 - names and literals
            f"from (select *, {flags} from {source}) as found) as judged"
        )

    def _shown(self, name: str) -> str:
        rule, find = self._rule, self._find
        mark, told = literal(MARK), ""
        if name in (*rule.who, *rule.cells, *rule.hidden):
            told = "restricted_actor"
        elif name in self._own:
            told = f"restricted_{name}"
        elif name in rule.texts:
            own = (f"restricted_{one}" for one in self._own)
            told = " or ".join(["restricted_actor", *own, find.names_one(name)])
        elif name in ("raw", "raw_bytes"):
            told, mark = "restricted_row", self._record() if name == "raw" else "null"
        elif name == "record_key":  # an id in clear, by which versions are told apart: a mark of each its own
            told, mark = "restricted_row", f"concat({mark}, ' ', substr({find.pseudonym(name)}, 1, 16))"
        elif name in ("unknown_fields", "problems"):
            told, mark = find.names_one(find.dialect.join.format(name)), f"array[{mark}]"
        if not told:
            return name
        # what was null stays null, so that counts stay right
        return f"case when {name} is not null and ({told}) then {mark} else {name} end as {name}"

    def _record(self) -> str:
        if not self._rule.keeps_fields:
            return literal(self._rule.record)
        again = self._find.names_one("restricted_kept")
        return f"case when {again} then {literal(RESTRICTED_RECORD)} else restricted_kept end"

    def _kept(self) -> str:
        """A JSON text of what stays of the record; only plain words, numbers, times and ids pass."""
        part = self._find.dialect.part.format(text="raw", path=literal("$.actor"))
        target = f"""case when restricted_user_id then ',"user_id":"{MARK}"' else '' end"""
        actor = self._members(part, KEPT_OF_ACTOR)
        record = self._members("raw", KEPT_FIELDS)
        before, between = literal(MASKED_RECORDS_BEGIN), literal(',"actor":{"restricted":true')
        return f"concat({before}, {record}, {target}, {between}, {actor}, '}}}}')"

    def _members(self, text: str, names: Sequence[str]) -> str:
        members = self._find.dialect.members.format(
            text=text,
            names=", ".join(map(literal, names)),
            paths=", ".join(literal(f"$.{name}") for name in names),
            pattern=literal(PLAIN),
        )
        return f"coalesce(',' || nullif({members}, ''), '')"
