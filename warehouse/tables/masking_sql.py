"""Finding a person in a row by hashes alone, as SQL: the expressions that masking is made of, in two dialects.

Promise: DuckDB's and Trino's (Athena's) expressions mean the same; both have SHA-256. No identifier is in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from warehouse.archive.restriction import AROUND, BETWEEN
from warehouse.archive.state import Restriction
from warehouse.tables.sql_literal import literal

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'


@dataclass(frozen=True)
class Dialect:
    """How an engine spells what has no common spelling. Names in braces stand for expressions.

    `texts`: every text of a JSON document, or between double quotes in another text, decoded. `members`: of the
    members of a JSON object those with one of these names and a value that matches a pattern, as JSON text.
    """

    sha256: str
    transform: str
    keep: str
    count: str
    join: str
    concat: str
    texts: str
    members: str
    part: str  # of a JSON object one member, as JSON text


DIALECTS: Final = {
    "duckdb": Dialect(
        sha256="sha256({0})",
        transform="list_transform({0}, lambda x: {1})",
        keep="list_filter({0}, lambda x: {1})",
        count="len({0})",
        join="array_to_string({0}, ' ')",
        concat="list_concat({0}, {1})",
        texts="case when json_valid({text}) and starts_with(ltrim({text}), '{{') "
        "then json_extract_string({text}, '$..*') else list_transform(regexp_extract_all({text}, {quoted}), "
        "lambda q: coalesce(try(json_extract_string(q, '$')), q[2:-2])) end",
        members="array_to_string(list_transform(list_filter("
        "list_zip([{names}], try(json_extract({text}, [{paths}]))), "
        "lambda m: regexp_matches(cast(m[2] as varchar), {pattern})), "
        "lambda m: concat('\"', m[1], '\":', m[2])), ',')",
        part="cast(try(json_extract({text}, {path})) as varchar)",
    ),
    "trino": Dialect(
        sha256="lower(to_hex(sha256(to_utf8({0}))))",
        transform="transform({0}, x -> {1})",
        keep="filter({0}, x -> {1})",
        count="cardinality({0})",
        join="array_join({0}, ' ')",
        concat="concat({0}, {1})",
        texts="transform(regexp_extract_all({text}, {quoted}), "
        "q -> coalesce(try(cast(json_parse(q) as varchar)), substr(q, 2, length(q) - 2)))",
        members="array_join(transform(filter(map_entries(try(cast(json_parse({text}) as map(varchar, json)))), "
        "m -> contains(array[{names}], m[1]) and regexp_like(json_format(m[2]), {pattern})), "
        "m -> concat('\"', m[1], '\":', json_format(m[2]))), ',')",
        part="json_format(try(json_extract({text}, {path})))",
    ),
}


class Finder:
    """Expressions that are true where a value, or a text, names somebody who is restricted; never null."""

    def __init__(self, restrictions: Sequence[Restriction], dialect: str = "duckdb") -> None:
        self.dialect = DIALECTS[dialect]
        self._by_salt: dict[str, set[str]] = {}
        for one in restrictions:
            self._by_salt.setdefault(one.salt, set()).update(one.digests)
        self._lengths = sorted({int(length) for one in restrictions for length in one.lengths})
        self._whole = any(one.whole for one in restrictions)

    def is_one(self, value: str) -> str:
        """The value as a whole is an identifier. Cheap where values repeat: an engine hashes each once."""
        return f"coalesce({self._hashed(f'lower(trim({value}))')}, false)"

    def pseudonym(self, value: str) -> str:
        """The same hash for the same value, under the salt of the restrictions."""
        return self.dialect.sha256.format(f"concat({literal(min(self._by_salt, default=''))}, {value})")

    def names_one(self, text: str) -> str:
        """An identifier stands in the text: as a text or a key of a JSON document, in a sentence or an address,
        also with JSON's or an address's escapes."""
        d = self.dialect
        texts = d.texts.format(text=text, quoted=literal(_QUOTED))
        decoded = f"case when strpos({text}, '\\') > 0 then {d.join.format(texts)} else {text} end"
        address = f"case when strpos({text}, '%') > 0 then coalesce(try(url_decode({text})), '') else '' end"
        words = self._words(f"concat({decoded}, ' ', {address})")
        if self._whole:
            trimmed = d.transform.format(d.concat.format(f"array[{text}]", texts), "trim(x)")
            words = d.concat.format(words, trimmed)
        short = d.keep.format(words, f"length(x) in ({', '.join(map(str, self._lengths))})")
        return f"coalesce({d.count.format(d.keep.format(short, self._hashed('lower(x)')))} > 0, false)"

    def _words(self, text: str) -> str:
        """What stands between separators and could be as long as an identifier."""
        escaped = BETWEEN.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        run = f"[^{escaped}]{{{min(self._lengths, default=1)},}}"
        found = f"regexp_extract_all({text}, {literal(run)})"
        return self.dialect.transform.format(found, f"trim(both {literal(AROUND)} from x)")

    def _hashed(self, value: str) -> str:
        tests = []
        for salt, digests in sorted(self._by_salt.items()):
            hashed = self.dialect.sha256.format(f"concat({literal(salt)}, {value})")
            tests.append(f"{hashed} in ({', '.join(literal(one) for one in sorted(digests))})")
        return f"({' or '.join(tests) or 'false'})"
