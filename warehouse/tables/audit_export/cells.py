"""One cell of actor_info, event_info or entity_info into a dict, however the vendor wrote it.

Promise: the reading says how it was reached and what is doubtful; a cell that cannot be read is reported, never
guessed. Order: empty, JSON, Python literal, literal with unescaped quotes, known keys only, unreadable.
"""

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from warehouse.tables.audit_export.broken_literal import NoReading, poses, read_broken_literal

STATUSES: Final = ("empty", "json", "literal", "scanned", "unreadable")  # from best to worst
MAX_CELL: Final = 4 << 20  # characters that are parsed; longer cells keep their text only
_MAX_TOKENS: Final = 100_000  # of a literal: what the parser builds for one takes some 500 bytes
_MAX_DEPTH: Final = 64
_MAX_SEARCHED: Final = 1 << 16  # characters that are searched for single keys

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_EMPTY: Final = frozenset({"", "{}", "None", "null"})

_token = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    | (?P<open>[{\[(]) | (?P<close>[}\])]) | [,:]
    | True\b | False\b | None\b | -?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\b
    )""",
    re.VERBOSE | re.DOTALL,
)
_structure = re.compile(r"[ \t\r\n{}\[\],:0-9.eE+-]*(?:(?:None|True|False)[ \t\r\n{}\[\],:0-9.eE+-]*)*")
_KNOWN_KEYS: Final = ("type", "uuid", "name", "email_address")
_known_key = re.compile(
    r"""['"](type|uuid|name|email_address)['"]\s*:\s*(?:(['"])(.{0,4096}?)\2(?=\s*[,}])|None\b)""", re.DOTALL
)
_surrogate = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as read. `value` is empty unless it could be read; treat it as read-only (cells are shared).

    `status` is one of STATUSES; `problems` says in words what could not be read; `doubted` are the keys not to be
    believed: where quotes are not escaped, a name can pose as structure and claim to be somebody else.
    """

    value: Mapping[str, Any]
    status: str
    problems: tuple[str, ...] = ()
    doubted: frozenset[str] = frozenset()

    def text(self, *path: str) -> str | None:
        """The text at `path`, or None where there is none, it is not text, or it is in doubt."""
        value: Any = self.value
        for key in path:
            if key in self.doubted or not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return whole_characters(value) if isinstance(value, str) else None


def read_cell(text: str | None) -> Cell:
    """Read one cell. Never raises: what cannot be read has the status `unreadable`."""
    if text is None or text.strip() in _EMPTY:
        return Cell(_NOTHING, "empty")
    if len(text) > MAX_CELL:
        return Cell(_NOTHING, "unreadable", (f"it has {len(text):,} characters; at most {MAX_CELL:,} are parsed",))
    # Actors and small event_info repeat all through an export; huge cells would only fill the cache.
    return _read_short(text) if len(text) <= 1024 else _read(text)


def whole_characters(text: str) -> str:
    """Text that UTF-8 can hold: surrogate pairs are joined, lone ones become U+FFFD."""
    if not _surrogate.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _read(text: str) -> Cell:
    trimmed = text.strip()
    for status, attempt in (("json", _as_json), ("literal", _as_literal)):
        try:
            value, repeated = attempt(trimmed)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if not isinstance(value, dict):
            return Cell(_NOTHING, "unreadable", (f"it holds {_kind(value)} where a dict was expected",))
        posing = (
            status == "literal"
            and poses(trimmed)
            and any(isinstance(node, str) and poses(node) for node in _nodes(value))
        )
        return _judged(value, status, repeated, posing=posing)
    try:
        reading = read_broken_literal(trimmed)
    except NoReading:
        return _by_known_keys(trimmed)
    problems = () if reading.escaped else ("its backslashes are read as themselves: escapes made no sense",)
    return _judged(reading.value, "scanned", reading.repeated, posing=reading.posing, problems=problems)


_read_short = lru_cache(maxsize=8192)(_read)


def _as_json(text: str) -> tuple[Any, frozenset[str]]:
    repeated: set[str] = set()

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                repeated.add(key)
            made[key] = value
        return made

    return json.loads(text, object_pairs_hook=collect), frozenset(repeated)


def _as_literal(text: str) -> tuple[Any, frozenset[str]]:
    """Python's own reading, but only of what repr() writes.

    Python also accepts comments, and joins adjacent strings ('O' 'Brien'): both would silently drop characters
    of a name with unescaped quotes. So the tokens are checked before Python sees the text.
    """
    if "\\" not in text and '"' not in text:
        try:
            return _as_swapped(text)
        except (ValueError, RecursionError):
            pass
    position = depth = count = 0
    after_text = False
    while position < len(text):
        token = _token.match(text, position)
        if token is None or (after_text and token["text"] is not None):
            raise ValueError("not a plain literal")
        after_text = token["text"] is not None
        depth += (token["open"] is not None) - (token["close"] is not None)
        count += 1
        if depth > _MAX_DEPTH or count > _MAX_TOKENS:
            raise ValueError("deeper or longer than is parsed")
        position = token.end()
    tree = _parse(text)
    repeated: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Dict, ast.List, ast.Tuple, ast.Constant, ast.UnaryOp, ast.USub, ast.Load)):
            raise ValueError("not a plain literal")
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            if len(keys) != len(node.keys):
                raise ValueError("a key is not text")
            repeated.update(key for key, times in Counter(keys).items() if times > 1)
    return ast.literal_eval(tree), frozenset(repeated)


def _as_swapped(text: str) -> tuple[Any, frozenset[str]]:
    """A literal with single quotes and no escapes is JSON with other quotes and words; that reads faster.

    JSON's grammar knows no comments and no adjacent strings, so it takes nothing that repr() does not write.
    """
    parts = text.split("'")
    for place in range(0, len(parts), 2):
        if not _structure.fullmatch(parts[place]):
            raise ValueError("not a plain literal")
        if "e" in parts[place]:
            parts[place] = parts[place].replace("None", "null").replace("True", "true").replace("False", "false")
    return _as_json('"'.join(parts))


def _parse(text: str) -> ast.expr:
    if "\\" not in text:
        return ast.parse(text, mode="eval").body
    with warnings.catch_warnings():  # of an escape that Python does not know: it is kept as it stands
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body


def _by_known_keys(text: str) -> Cell:
    """The last resort, for cut-off and mangled cells: the keys that matter, where they are beyond doubt."""
    found: dict[str, str | None] = {}
    repeated: set[str] = set()
    for match in _known_key.finditer(text) if len(text) <= _MAX_SEARCHED else ():
        key, quote, content = match.groups()
        if key in found:
            repeated.add(key)
        found[key] = content if quote else None
    if not found:
        return Cell(_NOTHING, "unreadable", ("it is neither JSON nor a Python literal",))
    value: dict[str, Any] = {key: found[key] for key in _KNOWN_KEYS if key in found and key != "email_address"}
    if "email_address" in found:
        value["metadata"] = {"email_address": found["email_address"]}
    problem = (
        f"it does not parse as a whole; only {', '.join(key for key in _KNOWN_KEYS if key in found)} was read"
    )
    return _judged(value, "scanned", frozenset(repeated), problems=(problem,))


def _judged(
    value: dict[str, Any],
    status: str,
    repeated: frozenset[str],
    *,
    posing: bool = False,
    problems: tuple[str, ...] = (),
) -> Cell:
    """The cell, with what must not be believed of it."""
    if posing:
        problems = (
            *problems,
            "a text in it looks like further keys: it reads in two ways, neither is believed",
        )
        return Cell(value, status, problems, frozenset(text for text in _nodes(value) if isinstance(text, str)))
    if repeated:
        known = sorted(key for key in repeated if key in (*_KNOWN_KEYS, "metadata"))
        others = len(repeated) - len(known)
        named = ", ".join([*known, *([f"{others} other key(s)"] if others else [])])
        problems = (*problems, f"{named} stands in it twice: neither occurrence is believed")
    return Cell(value, status, problems, repeated)


def _nodes(value: object) -> Iterator[object]:
    """A value and all that is inside it, keys too; any depth."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, dict):
            waiting += [*node, *node.values()]
        elif isinstance(node, (list, tuple)):
            waiting += node


def _kind(value: object) -> str:
    names = {str: "a text", bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "something else")
