"""Terraform's files as HashiCorp's parser reads them, and the schema of the AWS provider as its bindings tell it.

Terraform itself and its provider are no packages of a registry; the parser is (a Go module), and so is the
machine-readable description of every resource that HashiCorp publishes with the provider's bindings (npm).
"""

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.real import go_program
from tests.real.telemetry import installed

ROOT = Path(__file__).parents[2]
AWS = ROOT / "deploy" / "aws"
BINDINGS = ("@cdktf/provider-aws@21.22.1",)  # of the provider's release 6
_MADE = re.compile(r"Represents a \{@link \S+/docs/(resources|data-sources)/\w+ (aws_\w+)\}")
# what Terraform itself takes in every resource
_META = {"provider", "count", "for_each", "depends_on", "lifecycle", "provisioner", "connection", "timeouts"}


@dataclass(frozen=True)
class Block:
    """A block with its inner ones; a dynamic block counts as the block it makes."""

    type: str
    labels: tuple[str, ...]
    where: str
    attributes: tuple[str, ...]
    blocks: tuple["Block", ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Block":
        inner = tuple(cls.of(one) for one in told["blocks"])
        return cls(told["type"], tuple(told["labels"] or ()), told["where"], tuple(told["attributes"]), inner)


@dataclass(frozen=True)
class Read:
    """A folder: its files, what is wrong in them, and their blocks."""

    files: list[str]
    problems: list[str]
    blocks: list[Block]


def read(folder: Path) -> Read:
    """Every .tf file of a folder. Skips the test where there is no Go."""
    program = go_program.built_here("hcl")
    done = subprocess.run([program, folder], capture_output=True, text=True, check=True, timeout=60)
    told = json.loads(done.stdout)
    return Read(told["files"], told["problems"], [Block.of(one) for one in told["blocks"]])


def misfits(block: Block) -> Iterator[str]:
    """What the provider's schema has otherwise than a resource or data source: unknown and missing arguments."""
    config = _configs().get((block.type, block.labels[0]))
    if config is None:
        yield f"{block.where}: the provider has no {block.type} {block.labels[0]}"
        return
    yield from _misfits(block, config, block.labels[0])


def _misfits(block: Block, type_name: str, at: str) -> Iterator[str]:
    known = {_terraforms(one): one for one in _schema()["types"][type_name].get("properties", [])}
    given = {*block.attributes, *(inner.type for inner in block.blocks)}
    for name in sorted(given - set(known) - _META):
        yield f"{block.where}: {at} has no {name}"
    for name, one in known.items():
        if not one.get("optional") and name not in given:
            yield f"{block.where}: {at} needs {name}"
    for inner in block.blocks:
        if inner.type in known and inner.type not in _META:
            inner_type = _inner_type(known[inner.type]["type"])
            if inner_type is None:
                yield f"{inner.where}: {at}.{inner.type} is no block"
            else:
                yield from _misfits(inner, inner_type, f"{at}.{inner.type}")


def _inner_type(type_: dict[str, Any]) -> str | None:
    """The struct that a block's type leads to, through lists and unions."""
    if "fqn" in type_:
        fqn = str(type_["fqn"])
        return fqn if fqn in _schema()["types"] and _schema()["types"][fqn].get("datatype") else None
    for inner in type_.get("union", {}).get("types", ()):
        if found := _inner_type(inner):
            return found
    return _inner_type(type_["collection"]["elementtype"]) if "collection" in type_ else None


@cache
def _configs() -> dict[tuple[str, str], str]:
    """(`resource` or `data`, Terraform's name) to the struct of its arguments."""
    found = {}
    for one in _schema()["types"].values():
        made = _MADE.match(one.get("docs", {}).get("summary", "")) if one["kind"] == "class" else None
        if made is None:
            continue
        for parameter in one.get("initializer", {}).get("parameters", []):
            if parameter["name"] == "config":
                kind = "data" if made[1] == "data-sources" else "resource"
                found[kind, made[2]] = str(parameter["type"]["fqn"])
    return found


@cache
def _schema() -> dict[str, Any]:
    folder = installed("cdktf-provider-aws-21.22.1", BINDINGS) / "node_modules" / "@cdktf" / "provider-aws"
    described: dict[str, Any] = json.loads((folder / ".jsii").read_text(encoding="utf-8"))
    if described.get("schema") == "jsii/file-redirect":
        described = json.loads(gzip.decompress((folder / described["filename"]).read_bytes()))
    return described


def _terraforms(argument: dict[str, Any]) -> str:
    """Terraform's own name of an argument, which the bindings spell their own way and link to."""
    linked = re.search(r"#(\w+) ", json.dumps(argument["docs"]))
    assert linked is not None, argument["name"]
    return linked[1]
