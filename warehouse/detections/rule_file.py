"""A rule's file as YAML documents, and which text it was.

Promise: nothing of a file is passed over. A key that stands twice is refused: of two conditions the last would
count, and the first be gone unseen. A mistake names the file and, where there is one, the line.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from warehouse.detections.errors import RuleInvalid

_MOST_BYTES = 1_000_000
_WHOLE = "docs/detections.md shows a whole rule"


def documents(path: Path) -> tuple[list[Any], str]:
    """The documents of a file, and the first 12 hex digits of its SHA-256. Raises RuleInvalid."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise RuleInvalid(
            f"{path.name} cannot be read: {problem.strerror}", remedy="mend it, or take it out of the folder"
        ) from problem
    if len(data) > _MOST_BYTES:
        raise RuleInvalid(f"{path.name} is larger than 1 MB", remedy=f"no rule is: {_WHOLE}")
    try:
        found = [document for document in yaml.load_all(data, _Once) if document is not None]
    except yaml.reader.ReaderError as problem:
        raise RuleInvalid(
            f"{path.name} is no text in UTF-8 (at byte {problem.position})", remedy="save it as UTF-8"
        ) from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise RuleInvalid(
            f"{path.name}{where}: no YAML ({getattr(problem, 'problem', None) or 'it cannot be read'})",
            remedy=f"correct that line; {_WHOLE}",
        ) from problem
    except RecursionError as problem:
        raise RuleInvalid(f"{path.name} is nested too deep for a rule", remedy=_WHOLE) from problem
    return found, sha256(data).hexdigest()[:12]


class _Once(yaml.SafeLoader):
    """YAML in which a key of a table stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep=deep)
