"""What a wheel brings with it, for those who must know: an SBOM (CycloneDX), and pinned requirements with hashes.

Promise: they hold names, versions, licences and hashes, and no address that anything was fetched from. The SBOM is
of an environment in which the wheel alone was installed, the optional parts with it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# what an installation may choose; tests and benchmarks are none of it
EXTRAS = "athena,aws,azure,gcs,pdf,postgres,pubsub,timestamps,trino"
_FETCHED = {"distribution", "distribution-intake"}


def main(dist: Path, tools: Path) -> None:
    """Write `sbom.cdx.json` and `requirements.txt` into a folder that holds the wheel."""
    (wheel,) = dist.glob("*.whl")
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        _run([str(tools / "uv"), "venv", "--quiet", "--python", str(tools / "python"), str(python.parents[1])])
        install = [str(tools / "uv"), "pip", "install", "--quiet", "--python", str(python), *constraints]
        _run([*install, f"ledgerline[{EXTRAS}] @ {wheel.resolve().as_uri()}"])
        made = Path(folder) / "sbom.json"
        options = ["--output-reproducible", "--output-format", "JSON", "--output-file", str(made)]
        _run([str(tools / "cyclonedx-py"), "environment", *options, str(python)])
        document = without_addresses(json.loads(made.read_text(encoding="utf-8")))
    (dist / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    compile_ = [
        *(str(tools / "uv"), "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"),
        *("--no-emit-index-url", "--universal", "--python-version", "3.11", *constraints),
    ]
    extras = [part for extra in EXTRAS.split(",") for part in ("--extra", extra)]
    _run([*compile_, *extras, "--output-file", str(dist / "requirements.txt"), str(ROOT / "pyproject.toml")])
    pinned = len(re.findall(r"^[\w.-]+==", (dist / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    print(f"{len(document['components'])} components in sbom.cdx.json, {pinned} requirements in requirements.txt")


def without_addresses(document: dict[str, object]) -> dict[str, object]:
    """The document without where things were fetched from: who installs it has places of their own."""
    components = document.get("components")
    assert isinstance(components, list)
    for one in components:
        kept = [link for link in one.get("externalReferences", []) if link["type"] not in _FETCHED]
        one["externalReferences"] = kept
    return document


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S603 - our own words


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).absolute())
