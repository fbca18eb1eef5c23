"""Reads Python-literal dicts whose strings hold unescaped quotes, as in `{'name': 'Reece O'Sullivan'}`.

Promise: a quote ends a string only where what follows makes sense to the very end of the text; no character is
dropped; a text without such a reading is refused, and one whose texts look like structure is told apart.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

# What a reading may cost. A real text needs one look at each character and takes back a string end or two for each
# odd name; a text made to be hard would take for ever, and is given up.
_LOOKS_PER_CHARACTER: Final = 8
_LOOKS_FREE: Final = 200_000
_TAKEN_BACK: Final = 10_000
_MAX_DEPTH: Final = 64

_white = re.compile(r"[ \t\r\n]*")
# True, -1.5, date(2026, 1, 2), UUID('...')
_word = re.compile(r"""[^\s,:{}\[\]()'"]+(?:\((?:[^()'"]|'[^()']*'|"[^()"]*")*\))?""")
_uuid = re.compile(r"""UUID\((['"])([0-9a-fA-F-]+)\1\)""")
# Keys are the vendor's field names, so they hold no quotes: this is what tells structure from odd names.
_key = re.compile(r"""(['"])([\w .-]*)\1[ \t\r\n]*:""")
_next_key = re.compile(r"""[ \t\r\n]*,[ \t\r\n]*(['"])[\w .-]*\1[ \t\r\n]*:""")
_posing = re.compile(r"""['"][ \t\r\n]*,[ \t\r\n]*(['"])[\w .-]*\1[ \t\r\n]*:""")
_next_quote = {
    ("'", True): re.compile(r"\\.|'", re.DOTALL),
    ('"', True): re.compile(r'\\.|"', re.DOTALL),
    ("'", False): re.compile(r"'"),
    ('"', False): re.compile(r'"'),
}
_escape = re.compile(r"""\\(?:([\\'"abfnrtv])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))""")
_named: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_words: Final = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_closing: Final = {"{": "}", "[": "]", "(": ")"}

# What the machine stands before.
_VALUE, _VALUE_OR_CLOSE, _KEY, _KEY_OR_CLOSE, _AFTER = range(5)

# The open containers, innermost first: (opening bracket, depth, outer ones).
_Stack = tuple[str, int, Any] | None


class NoReading(ValueError):
    """The text is no dict in any reading, or finding out would cost too much."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A dict and what is doubtful about it.

    `repeated`: keys that one dict holds twice; `posing`: a text in it holds what looks like a further key. Both
    mean that a value may have been taken for structure, or structure for a value. `escaped`: backslashes were read
    as repr() writes them, not as themselves.
    """

    value: dict[str, Any]
    repeated: frozenset[str]
    posing: bool
    escaped: bool


def poses(text: str) -> bool:
    """Whether a text holds what looks like the end of a text and a further key."""
    return _posing.search(text) is not None


def read_broken_literal(text: str) -> Reading:
    """The dict that `text` spells. Raises NoReading.

    First without any posing text (a quote followed by a comma and a key then always ends its text), backslashes
    as escapes, then as themselves; only if neither gives a reading, with posing texts.
    """
    fallback: Reading | None = None
    for firm in (True, False):
        for escapes in (True, False) if "\\" in text else (True,):
            try:
                reading = _Machine(text, escapes=escapes, firm=firm).run()
            except NoReading:
                continue
            if not reading.posing:
                return reading
            fallback = fallback or reading
    if fallback is None:
        raise NoReading("it is not a dict of text, numbers, dicts and lists")
    return fallback


class _Machine:
    """Reads left to right; where it cannot go on, it takes back the last string end and looks further right."""

    def __init__(self, text: str, *, escapes: bool, firm: bool) -> None:
        self.text = text
        self.escapes = escapes
        self.firm = firm  # an end that a further key follows is not taken back
        self.position = 0
        self.mode = _VALUE
        self.stack: _Stack = None
        self.out: list[tuple[str, Any]] = []
        self.ends: list[tuple[int, int, _Stack, int]] = []  # start, end, stack, len(out)
        self.seen: set[tuple[int, _Stack]] = set()
        self.taken_back = 0
        self.looks = _LOOKS_FREE + _LOOKS_PER_CHARACTER * len(text)

    def run(self) -> Reading:
        if not self.text.startswith("{", self._white_end(0)):
            raise NoReading("it does not begin as a dict")
        while True:
            self.position = self._white_end(self.position)
            if self.mode == _AFTER and self.stack is None and self.position == len(self.text):
                break
            if not self._step(self.text[self.position : self.position + 1]):
                self._take_back()
        value, repeated = _build(self.out)
        posing = any(kind == "posing" for kind, _ in self.out)
        return Reading(value, repeated, posing, self.escapes)

    def _step(self, mark: str) -> bool:
        if self.mode == _AFTER:
            return self._after(mark)
        if self.mode in (_KEY_OR_CLOSE, _VALUE_OR_CLOSE) and self.stack and mark == _closing[self.stack[0]]:
            return self._after(mark)
        if self.mode in (_KEY, _KEY_OR_CLOSE):
            key = _key.match(self.text, self.position)
            if key is None:
                return False
            self.looks -= len(key[0])
            self.out.append(("key", key[2]))
            return self._move(len(key[0]), _VALUE)
        if mark and mark in "'\"":
            return self._string(self.position, self.position + 1)
        return self._value(mark)

    def _value(self, mark: str) -> bool:
        if mark and mark in "{[(":
            depth = self.stack[1] + 1 if self.stack else 1
            if depth > _MAX_DEPTH:
                return False
            self.stack = (mark, depth, self.stack)
            self.out.append((mark, None))
            return self._move(1, _KEY_OR_CLOSE if mark == "{" else _VALUE_OR_CLOSE)
        word = _word.match(self.text, self.position)
        if word is None:
            return False
        self.looks -= len(word[0])
        self.out.append(("value", _word_value(word[0])))
        return self._move(len(word[0]), _AFTER)

    def _after(self, mark: str) -> bool:
        if self.stack is None:
            return False
        opening = self.stack[0]
        if mark == ",":
            return self._move(1, {"{": _KEY, "[": _VALUE, "(": _VALUE_OR_CLOSE}[opening])
        if mark != _closing[opening]:
            return False
        self.out.append((mark, None))
        self.stack = self.stack[2]
        return self._move(1, _AFTER)

    def _string(self, start: int, search_from: int) -> bool:
        """Read the string that opens at `start`, ending it at the first quote from `search_from` that can."""
        for found in _next_quote[self.text[start], self.escapes].finditer(self.text, search_from):
            end = found.start()
            if len(found[0]) > 1:
                continue
            key_follows = self._key_follows(end + 1)
            if not (key_follows or self._may_end(end + 1)):
                continue
            self._look(end - search_from + 1)
            if not (key_follows and self.firm):
                self.ends.append((start, end, self.stack, len(self.out)))
            raw = self.text[start + 1 : end]
            self.out.append(("posing" if poses(raw) else "value", self._content(raw)))
            self.position, self.mode = end + 1, _AFTER
            state = (self.position, self.stack)
            if state in self.seen:  # been here on another way, and it led nowhere
                return False
            self.seen.add(state)
            return True
        self._look(len(self.text) - search_from)
        return False

    def _key_follows(self, position: int) -> bool:
        in_dict = self.stack is not None and self.stack[0] == "{"
        return in_dict and _next_key.match(self.text, position) is not None

    def _may_end(self, position: int) -> bool:
        if self.stack is None:
            return False
        position = self._white_end(position)
        after = self.text[position : position + 1]
        return after == _closing[self.stack[0]] or (after == "," and self.stack[0] != "{")

    def _take_back(self) -> None:
        while self.ends and self.taken_back < _TAKEN_BACK:
            self.taken_back += 1
            start, end, stack, kept = self.ends.pop()
            del self.out[kept:]
            self.stack = stack
            if self._string(start, end + 1):
                return
        raise NoReading("it is not a dict of text, numbers, dicts and lists")

    def _content(self, raw: str) -> str:
        return _escape.sub(_unescape, raw) if self.escapes and "\\" in raw else raw

    def _look(self, characters: int) -> None:
        self.looks -= characters
        if self.looks < 0:
            raise NoReading("it takes too long to read")

    def _move(self, steps: int, mode: int) -> bool:
        self.position += steps
        self.mode = mode
        return True

    def _white_end(self, position: int) -> int:
        match = _white.match(self.text, position)
        return match.end() if match else position


def _unescape(match: re.Match[str]) -> str:
    named, *codes = match.groups()
    if named is not None:
        return _named.get(named, named)
    code = int(next(code for code in codes if code is not None), 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _word_value(word: str) -> Any:
    if word in _words:
        return _words[word]
    if uuid := _uuid.fullmatch(word):
        return uuid[2]
    return int(word) if re.fullmatch(r"-?[0-9]{1,18}", word) else word


def _build(out: list[tuple[str, Any]]) -> tuple[dict[str, Any], frozenset[str]]:
    repeated: set[str] = set()
    top: list[Any] = []
    open_ones: list[Any] = [top]
    keys: list[str] = []
    for kind, content in out:
        if kind == "key":
            keys.append(content)
            continue
        if kind in _closing.values():
            open_ones.pop()
            continue
        value: Any = {"{": {}, "[": [], "(": []}.get(kind, content)
        inside = open_ones[-1]
        if isinstance(inside, dict):
            key = keys.pop()
            if key in inside:
                repeated.add(key)
            inside[key] = value
        else:
            inside.append(value)
        if kind in _closing:
            open_ones.append(value)
    built = top[0]
    return built, frozenset(repeated)
