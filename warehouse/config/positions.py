"""Where in a TOML text each key stands: path of the key -> line.

`tomllib` gives values without places. This walks a text that `tomllib` has already accepted, so it only has
to find its way and never to judge; `tests/warehouse/config` holds it against `tomllib` on generated files.
"""

import re
import tomllib

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)


def lines_of(text: str) -> dict[Path, int]:
    """The 1-based line of every key, table header and array element of a valid TOML text.

    Elements of arrays, and of arrays of tables, are addressed by their index: `("destinations", 0, "name")`.
    """
    return _Walk(text).lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}
        table: Path = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        found = match.group() if match else ""
        self.at += len(found)
        return found

    def mark(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)

    def header(self) -> Path:
        begin = self.at
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        parts = self.key()
        self.at += 2 if array else 1
        path: Path = ()
        for part in parts[:-1]:
            path = self.newest((*path, part), begin)
        path = (*path, parts[-1])
        self.mark(path, begin)
        if array:
            self.arrays[path] = self.arrays.get(path, -1) + 1
        return self.newest(path, begin)

    def newest(self, path: Path, at: int) -> Path:
        """The path itself, or that of the newest element where the path is an array of tables."""
        self.mark(path, at)
        if path in self.arrays:
            path = (*path, self.arrays[path])
            self.mark(path, at)
        return path

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip(_SPACE)
            if self.text[self.at] in "\"'":
                parts.append(tomllib.loads(f"k = {self.string()}")["k"])
            else:
                parts.append(self.skip(_BARE))
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def pair(self, table: Path) -> None:
        begin = self.at
        path = table
        for part in self.key():
            path = (*path, part)
            self.mark(path, begin)
        self.at += 1  # the equals sign
        self.value(path)

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        opening = self.text[self.at]
        if opening in "\"'":
            self.string()
        elif opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.skip(_SCALAR)

    def string(self) -> str:
        return next(found for found in map(self.skip, _STRINGS) if found)

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.inside("]"):
            self.mark((*path, index), self.at)
            self.value((*path, index))
            index += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while self.inside("}"):
            self.pair(path)

    def inside(self, closing: str) -> bool:
        """Step over blanks and a comma; False, and past the bracket, at the end."""
        self.skip(_BLANK)
        if self.text.startswith(",", self.at):
            self.at += 1
            self.skip(_BLANK)
        if self.text.startswith(closing, self.at):
            self.at += 1
            return False
        return True
