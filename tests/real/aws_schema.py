"""The AWS provider's schema, as HashiCorp's bindings of release 6.25.0 tell it.

The bindings are generated from `providers schema -json`, and their source, which lies in their source maps, says
of each argument its type, whether it is required, optional or computed, and how blocks are nested.
"""

import base64
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.real.telemetry import installed
from tests.real.terraform import BINDINGS

Type = str | list[Any]  # as cty writes types in JSON: "string", ["list", "string"]
Nesting = Literal["list", "set", "struct"]
_SOURCE = re.compile(r"//# sourceMappingURL=data:application/json;base64,(\S+)")
_SECTION = re.compile(r"^export (?:class (\w+)|function (\w+)ToHclTerraform)\b", re.MULTILINE)
_FLAGS = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*(?:\n.*)?)")
_GIVEN = re.compile(
    r"^ +(\w+): \{\n +value: (.+),\n +isBlock: (true|false),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",",
    re.MULTILINE,
)
_STRUCT = re.compile(r"(\w+)ToHclTerraform(?:, (?:true|false))?\)*\(")
_SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
_READ: dict[str, Type] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}


@dataclass(frozen=True)
class Attribute:
    name: str
    type: Type
    required: bool
    optional: bool
    computed: bool


@dataclass(frozen=True)
class Nested:
    """A block inside another: at most one of it where `single`."""

    name: str
    block: "Block"
    nesting: Nesting
    single: bool
    required: bool


@dataclass(frozen=True)
class Block:
    attributes: dict[str, Attribute]
    blocks: dict[str, Nested]


@cache
def schema(kind: str, name: str) -> Block:
    """Of a `resource` or a `data` source by Terraform's name, or of the `provider` itself."""
    stem = name.removeprefix("aws_").replace("_", "-")
    folder = {"resource": stem, "data": f"data-aws-{stem}", "provider": "provider"}[kind]
    lib = installed("cdktf-provider-aws-21.22.1", BINDINGS) / "node_modules" / "@cdktf" / "provider-aws" / "lib"
    sections = _sections(lib / folder / "index.js")
    main = [one for one in sections if not one.endswith(("OutputReference", "List"))]
    mains = [one for one in main if "cdktf.Terraform" in sections[one].partition("{")[0]]
    assert len(mains) == 1, (name, mains)
    return _block(sections[mains[0]], sections, sections[mains[0]])


def _sections(path: Path) -> dict[str, str]:
    """Each class, and each function that writes a struct (under the struct's name), to its text."""
    packed = _SOURCE.findall(path.read_text(encoding="utf-8"))[-1]
    source = json.loads(base64.b64decode(packed))["sourcesContent"][0]
    starts = [*_SECTION.finditer(source)]
    ends = [*(one.start() for one in starts[1:]), len(source)]
    return {one[1] or f"{one[2]}()": source[one.start() : end] for one, end in zip(starts, ends, strict=True)}


def _block(writer: str, sections: dict[str, str], described: str) -> Block:
    """`writer` says how each argument is written, `described` which are required, optional or computed."""
    flags = {name: (computed, optional, required, rest) for name, computed, optional, required, rest in
             _FLAGS.findall(described)}  # fmt: skip
    attributes, blocks = {}, {}
    for name, value, is_block, type_, storage in _GIVEN.findall(
        writer.partition("synthesizeHclAttributes")[2] or writer
    ):
        computed, optional, required, _ = flags.get(name, ("false", "true", "false", ""))
        if is_block == "false":
            attributes[name] = Attribute(
                name, _type(type_, storage), required == "true", optional == "true", computed == "true"
            )
            continue
        struct = _STRUCT.search(value)
        assert struct is not None, value
        title = struct[1][0].upper() + struct[1][1:]
        inner = _block(sections[f"{struct[1]}()"], sections, sections.get(f"{title}OutputReference", ""))
        nesting: Nesting = "set" if type_ == "set" else "struct" if type_ == "struct" else "list"
        blocks[name] = Nested(name, inner, nesting, "istMapperHcl" not in value, required == "true")
    for name, (computed, _, _, rest) in flags.items():
        read = re.search(r"this\.(get\w+)\(", rest)
        if name not in attributes and name not in blocks and computed == "true" and read and read[1] in _READ:
            attributes[name] = Attribute(name, _READ[read[1]], required=False, optional=False, computed=True)
    return Block(attributes, blocks)


def _type(kind: str, storage: str) -> Type:
    if kind == "simple":
        return _SIMPLE.get(storage, "string")
    inner = _SIMPLE[re.sub(r"(List|Map)$", "", storage)]
    return [kind, inner]
