"""Where an asset is written, as the UI links it: the function that makes it, or the lines that name it.

Promise: every asset has one; a mart's first is the SQL that makes it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg


def written_here(what: str = "where it is described") -> Mapping[str, Any]:
    """Metadata of a spec: the file and line of this call."""
    frame = sys._getframe(1)
    return written_in(dg.LocalFileCodeReference(
        file_path=frame.f_code.co_filename, line_number=frame.f_lineno, label=what
    ))  # fmt: skip


def written_at(path: Path, what: str) -> Mapping[str, Any]:
    """Metadata of a spec: a file of its own."""
    return written_in(dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=what))


def written_in(reference: dg.LocalFileCodeReference) -> Mapping[str, Any]:
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def with_code(*assets: dg.AssetsDefinition | dg.AssetSpec) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The same assets, each with the function that makes it; a spec keeps the lines that name it."""
    referred = dg.with_source_code_references(assets)
    return [one for one in referred if isinstance(one, dg.AssetsDefinition | dg.AssetSpec)]
