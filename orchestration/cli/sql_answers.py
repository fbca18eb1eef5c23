"""A question in SQL and its answer: checked to read only, shown as a table, or as JSON rows.

Promise: only SELECT and EXPLAIN over tables reach the engine, which is closed to all else; a JSON answer is whole
before its first byte is printed.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import duckdb

from orchestration.cli.failures import CannotRun
from orchestration.cli.output import Output, plain, to_json
from warehouse.evidence.stamp import Stamp
from warehouse.tables.enclosure import ReadsFiles, refuse_files

_BATCH = 5_000
_ON_A_TERMINAL, _IN_A_PIPE = 200, 10_000  # rows of a table; --json has no limit
_IN_MEMORY = 64 * 1024 * 1024
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_SYSTEM_NAME = re.compile(r'\s*Did you mean "(?:pg_|duckdb_|sqlite_|information_schema|system)[^"]*"\?')
_BLANK = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
# what stands before the question that is explained; a nested comment is no match, and then it is refused
_EXPLAIN = re.compile(rf"(?is){_BLANK}explain\b{_BLANK}(?:analyze\b|\(\s*(?:analyze|format)\b[^)]*\))?")


class Questions:
    """Answers SQL over one connection, into one output."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, output: Output, stamp: Stamp | None = None, *, as_of: bool = False
    ) -> None:
        self.db = db
        self.output = output
        self.stamp = stamp
        self.as_of = as_of  # then the marts are not there

    def answer(self, text: str, *, single: bool = False) -> None:
        """Answer each statement of a text. `single`: there must be exactly one, as JSON needs it.

        Raises CannotRun (kind `sql`) for SQL that fails, writes, or is not there.
        """
        statements = self.parsed(text)
        if not statements:
            raise CannotRun(
                "there is no SQL statement in the query", remedy='ledgerline sql "select 1"', kind="sql"
            )
        if single and len(statements) > 1:
            raise CannotRun(f"--json answers one statement, not {len(statements)}", remedy="send them one by one")
        for parts in statements:
            try:
                for part in parts[:-1]:
                    self.db.execute(part)
                cursor = self.db.execute(parts[-1])
                names = _distinct([column[0] for column in cursor.description or []])
                if self.output.json:
                    self._rows_as_json(names, _batches(cursor))
                else:
                    self._table(names, [str(column[1]) for column in cursor.description or []], _batches(cursor))
            except duckdb.Error as error:
                raise self._failure(error) from error

    def parsed(self, text: str) -> list[list[duckdb.Statement]]:
        """The statements of a text, each as the engine's own parts (PIVOT has several). Raises CannotRun."""
        try:
            found = self.db.extract_statements(text)
        except duckdb.Error as error:
            raise self._failure(error) from error
        statements: list[list[duckdb.Statement]] = []
        open_pivot: list[duckdb.Statement] = []
        for part in found:
            if part.query == "":  # only what the engine itself adds for PIVOT has no text
                open_pivot.append(part)
                if part.type != duckdb.StatementType.SELECT:
                    continue
                statements.append(open_pivot)
                open_pivot = []
            else:
                self._refuse_writing(part)
                statements.append([part])
        if any(part.query == "" for part in found):  # the engine's own parts have no text: then the whole of it
            self._refuse_files(text)
        return statements

    def _refuse_writing(self, part: duckdb.Statement) -> None:
        kind = part.type
        if kind == duckdb.StatementType.EXPLAIN:
            # also where it is not run: a plan tells the first line of a file, and what its statistics rule out
            before = _EXPLAIN.match(part.query)
            if before is not None and self._only_selects(part.query[before.end() :]):
                return self._refuse_files(part.query[before.end() :])
        elif kind == duckdb.StatementType.SELECT:
            return self._refuse_files(part.query)
        raise CannotRun(
            f"{_first_word(part.query)} is refused: this is for reading, and an archive does not change",
            remedy="ask with SELECT; to keep an answer: ledgerline sql ... --json > answer.json",
            kind="sql",
        )

    def _refuse_files(self, text: str) -> None:
        try:
            refuse_files(self.db, text)
        except ReadsFiles as error:
            raise CannotRun(str(error), remedy=error.remedy, kind="sql") from None

    def _failure(self, error: duckdb.Error) -> CannotRun:
        text = _SYSTEM_NAME.sub("", str(error).strip())
        missing = _NO_TABLE.search(text)
        if isinstance(error, duckdb.ParserException):
            remedy = "correct the SQL where the message points; `ledgerline sql --help` has examples"
        elif missing and missing[1] in marts_names() and self.as_of:
            remedy = "the marts show the state of their build: leave --as-of away, or ask audit_events"
        elif missing and missing[1] in marts_names():
            remedy = f"{missing[1]} is a mart: run `ledgerline build`"
        elif missing:
            remedy = 'the tables are listed by: ledgerline sql "show tables"'
        elif isinstance(error, duckdb.BinderException):
            remedy = 'the columns of a table are listed by: ledgerline sql "describe audit_events"'
        else:
            remedy = "correct the query; `ledgerline sql --help` has examples"
        return CannotRun(text, remedy=remedy, kind="sql")

    def _only_selects(self, text: str) -> bool:
        try:
            inner = self.db.extract_statements(text)
        except duckdb.Error:
            return False
        return bool(inner) and all(part.type == duckdb.StatementType.SELECT for part in inner)

    def _rows_as_json(self, names: Sequence[str], batches: Iterator[list[tuple[Any, ...]]]) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="ascii") as whole:
            separator, count = "[" if self.stamp is None else '{"rows": [', 0
            for batch in batches:
                for row in batch:
                    whole.write(f"{separator}\n  {to_json(dict(zip(names, row, strict=True)), indent=None)}")
                    separator = ","
                count += len(batch)
            whole.write("\n]" if count else f"{separator}]")
            if self.stamp is not None:
                whole.write(f',\n"stamp": {to_json(self.stamp.document(count), indent=None)}}}')
            whole.write("\n")
            whole.seek(0)
            shutil.copyfileobj(whole, self.output.out)

    def _table(self, names: Sequence[str], types: Sequence[str], batches: Iterator[list[tuple[Any, ...]]]) -> None:
        most = _ON_A_TERMINAL if self.output.out.isatty() else _IN_A_PIPE
        shown: list[tuple[Any, ...]] = []
        count = 0
        for batch in batches:
            shown += batch[: most - len(shown)]
            count += len(batch)
        if names == ["explain_key", "explain_value"]:
            for _, plan in shown:
                print(plan, file=self.output.out)
            return
        numbers = [name for name, kind in zip(names, types, strict=True) if _is_number(kind)]
        self.output.table(names, shown, right=numbers)
        for line in self.stamp.lines(count) if self.stamp is not None else ():
            print(plain(line), file=self.output.out)
        if count > len(shown):
            self.output.aside(f"{count:,} rows, the first {len(shown):,} are shown; --json gives all of them")
        elif sys.stdout.isatty():
            self.output.aside(f"{count:,} row{'' if count == 1 else 's'}")


def _batches(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    while batch := cursor.fetchmany(_BATCH):
        yield batch


def _distinct(names: Sequence[str]) -> list[str]:
    """Column names made different from each other: `n`, `n_1`, ... so that no value is lost in JSON."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        candidate, number = name, 0
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        distinct.append(candidate)
    return distinct


def _is_number(kind: str) -> bool:
    return kind.startswith(("DECIMAL", "NUMBER")) or kind.endswith("INT") or kind in ("INTEGER", "DOUBLE", "FLOAT")


def _first_word(query: str) -> str:
    """What a statement begins with, in capitals, comments left out."""
    bare = re.sub(r"/\*.*?\*/|--[^\n]*", " ", query, flags=re.DOTALL).split()
    return bare[0].upper() if bare else "this"


@cache
def marts_names() -> frozenset[str]:
    """The marts that a build makes."""
    from warehouse.tables.marts.project import find_project  # noqa: PLC0415

    return frozenset(path.stem for path in (find_project(None) / "models").rglob("*.sql"))
