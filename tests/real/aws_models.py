"""A resource's arguments as parameters of a call of AWS's API, by AWS's own model of its services.

Names are matched without case and underscores (`kms_master_key_id`, `KMSMasterKeyID`); what is named otherwise is
said in a row. An argument that finds no place is an error, and so is a value that the model does not allow:
outside an enumeration, a pattern or a range.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

Names = Mapping[str, str]  # an argument's dotted path to the parameter's name, dotted where it lies deeper


class Unfit(Exception):
    """An argument that the API has no place for, or a value that it does not take."""


def fitted(arguments: Mapping[str, Any], shape: Any, names: Names, at: str = "") -> dict[str, Any]:
    """The parameters of a structure. Raises Unfit."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        path = f"{at}.{name}".lstrip(".")
        place, member, steps = found, shape, (names.get(path) or _alike(name, shape, path)).split(".")
        for step in steps[:-1]:
            place = place.setdefault(step, {})
            member = _inside(member, step)
        place[steps[-1]] = _fit(value, _inside(member, steps[-1]), names, path)
    return found


def _inside(shape: Any, step: str) -> Any:
    return shape.value if shape.type_name == "map" else shape.members[step]


def _alike(name: str, shape: Any, path: str) -> str:
    members = {one.lower(): str(one) for one in getattr(shape, "members", {})}
    bare = name.replace("_", "").lower()
    for spelled in (bare, f"{bare}s", f"{bare}es"):
        if spelled in members:
            return members[spelled]
    raise Unfit(f"{path} has no place in {shape.name}")


def _fit(value: Any, shape: Any, names: Names, path: str) -> Any:
    if shape.type_name == "structure":
        many = value if isinstance(value, list) else [value]
        if len(many) != 1:
            raise Unfit(f"{path} is there {len(many)} times: AWS takes one")
        return fitted(many[0], shape, names, path)
    if shape.type_name == "list":
        many = value if isinstance(value, list) else [value]
        _in_range(len(many), shape, path, "items")
        return [_fit(one, shape.member, names, path) for one in many]
    if shape.type_name == "map":
        return {
            _fit(key, shape.key, names, path): _fit(one, shape.value, names, path) for key, one in value.items()
        }
    if shape.type_name == "string":
        return _text(json.dumps(value) if isinstance(value, bool) else str(value), shape, path)
    if shape.type_name == "boolean":
        return value == "true" if isinstance(value, str) else bool(value)
    number = float(value) if shape.type_name in ("double", "float") else int(value)
    _in_range(number, shape, path, "")
    return number


def _text(value: str, shape: Any, path: str) -> str:
    _in_range(len(value), shape, path, "characters")
    if shape.enum and value not in shape.enum:
        raise Unfit(f"{path} is {value!r}, and AWS knows {', '.join(shape.enum)}")
    pattern = shape.metadata.get("pattern")
    if pattern and (known := _compiled(pattern)) and not known.search(value):
        raise Unfit(f"{path} is {value[:80]!r}, which AWS's pattern {pattern} does not take")
    return value


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern in Python's dialect; None for one in Java's own (`\\p{L}`), of which there are few."""
    try:
        return re.compile(f"^(?:{pattern})$", re.DOTALL)
    except re.error:
        return None


def _in_range(size: float, shape: Any, path: str, of: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        raise Unfit(f"{path} has {size} {of}: AWS takes {least} to {most}".replace("  ", " "))
