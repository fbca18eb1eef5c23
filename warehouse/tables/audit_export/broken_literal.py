"""Reads Python-literal dicts whose strings hold unescaped quotes, as in `{'name': 'Reece O'Sullivan'}`.

Promise: a quote ends a string only where what follows makes sense to the very end of the text; the earliest such
reading is taken, no character is dropped, and a text that has no such reading is refused rather than guessed.
"""

import re
from typing import Any, Final

# What a reading may cost. A real text needs one look at each character and takes back a string end or two for each
# odd name; a text made to be hard would take for ever, and is given up.
_LOOKS_PER_CHARACTER: Final = 8
_LOOKS_FREE: Final = 200_000
_TAKEN_BACK: Final = 10_000
_MAX_DEPTH: Final = 64

_white = re.compile(r"[ \t\r\n]*")
_word = re.compile(r"""[^\s,:{}\[\]()'"]+(?:\([^()'"]*\))?""")  # True, -1.5, and calls such as UUID(...) as text
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
_VALUE, _VALUE_OR_CLOSE, _KEY, _KEY_OR_CLOSE, _COLON, _AFTER = range(6)

# The open containers, innermost first: (opening bracket, depth, outer ones).
_Stack = tuple[str, int, Any] | None


class NoReading(ValueError):
    """The text is no dict in any reading, or finding out would cost too much."""


def read_broken_literal(text: str) -> tuple[dict[str, Any], frozenset[str], bool]:
    """The dict that `text` spells, the keys that occur twice in one dict, and whether backslashes escape.

    Backslashes are read as Python's repr writes them; only where that gives no reading, as themselves (False).
    A key that occurs twice shows that a value may have posed as structure: do not trust either occurrence.
    Raises NoReading.
    """
    try:
        return *_Machine(text, escapes=True).run(), True
    except NoReading:
        if "\\" not in text:
            raise
    return *_Machine(text, escapes=False).run(), False


class _Machine:
    """Reads left to right; where it cannot go on, it takes back the last string end and looks further right."""

    def __init__(self, text: str, *, escapes: bool) -> None:
        self.text = text
        self.escapes = escapes
        self.position = 0
        self.mode = _VALUE
        self.stack: _Stack = None
        self.out: list[tuple[str, Any]] = []
        self.ends: list[tuple[int, int, bool, _Stack, int]] = []  # start, end, is key, stack, len(out)
        self.seen: set[tuple[int, int, _Stack]] = set()
        self.taken_back = 0
        self.looks = _LOOKS_FREE + _LOOKS_PER_CHARACTER * len(text)

    def run(self) -> tuple[dict[str, Any], frozenset[str]]:
        self._skip_white()
        if not self.text.startswith("{", self.position):
            raise NoReading("it does not begin as a dict")
        while True:
            self._skip_white()
            if self.mode == _AFTER and self.stack is None:
                if self.position == len(self.text):
                    return _build(self.out)
                moved = False
            else:
                moved = self._step(self.text[self.position : self.position + 1])
            if not moved:
                self._take_back()

    def _step(self, mark: str) -> bool:
        if self.mode == _AFTER:
            return self._after(mark)
        if self.mode == _COLON:
            return mark == ":" and self._move(1, _VALUE)
        is_key = self.mode in (_KEY, _KEY_OR_CLOSE)
        if mark and mark in "'\"":
            return self._string(self.position, self.position + 1, is_key)
        if self.mode in (_KEY_OR_CLOSE, _VALUE_OR_CLOSE) and self.stack and mark == _closing[self.stack[0]]:
            return self._after(mark)
        return not is_key and self._value(mark)

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

    def _string(self, start: int, search_from: int, is_key: bool) -> bool:
        """Read the string that opens at `start`, ending it at the first quote from `search_from` that can."""
        for found in _next_quote[self.text[start], self.escapes].finditer(self.text, search_from):
            end = found.start()
            if len(found[0]) == 1 and self._may_end(end + 1, is_key):
                self.looks -= end - search_from + 1
                if self.looks < 0:
                    raise NoReading("it takes too long to read")
                self.ends.append((start, end, is_key, self.stack, len(self.out)))
                self.out.append(("key" if is_key else "value", self._content(start + 1, end)))
                self.position, self.mode = end + 1, _COLON if is_key else _AFTER
                state = (self.position, self.mode, self.stack)
                if state in self.seen:  # been here on another way, and it led nowhere
                    return False
                self.seen.add(state)
                return True
        self.looks -= len(self.text) - search_from
        if self.looks < 0:
            raise NoReading("it takes too long to read")
        return False

    def _may_end(self, position: int, is_key: bool) -> bool:
        after = self._mark_at(position)
        if is_key:
            return after == ":"
        if self.stack is None or after == _closing[self.stack[0]]:
            return True
        if after != ",":
            return False
        beyond = self._mark_at(self._white_end(position) + 1)
        return self.stack[0] != "{" or (beyond != "" and beyond in "'\"")

    def _take_back(self) -> None:
        while self.ends and self.taken_back < _TAKEN_BACK:
            self.taken_back += 1
            start, end, is_key, stack, kept = self.ends.pop()
            del self.out[kept:]
            self.stack = stack
            if self._string(start, end + 1, is_key):
                return
        raise NoReading("it is not a dict of text, numbers, dicts and lists")

    def _content(self, start: int, end: int) -> str:
        content = self.text[start:end]
        return _escape.sub(_unescape, content) if self.escapes and "\\" in content else content

    def _move(self, steps: int, mode: int) -> bool:
        self.position += steps
        self.mode = mode
        return True

    def _skip_white(self) -> None:
        self.position = self._white_end(self.position)

    def _white_end(self, position: int) -> int:
        match = _white.match(self.text, position)
        return match.end() if match else position

    def _mark_at(self, position: int) -> str:
        position = self._white_end(position)
        return self.text[position : position + 1]


def _unescape(match: re.Match[str]) -> str:
    named, *codes = match.groups()
    if named is not None:
        return _named.get(named, named)
    code = int(next(code for code in codes if code is not None), 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _word_value(word: str) -> Any:
    if word in _words:
        return _words[word]
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
