"""The content packs before others' checkers: Splunk's AppInspect, Kusto's language service, a Bicep grammar.

Each is installed once at a fixed version into an environment of its own below `.venv`, from PyPI or npm.
"""

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from warehouse.delivery.mappings.asim import COLUMNS
from warehouse.delivery.packs.splunk import APP
from warehouse.delivery.packs.writing import SIEM

pytestmark = pytest.mark.real

TOOLS = ROOT / ".venv" / "siem-checkers"
PYTHON = ("splunk-appinspect==4.3.1", "tree-sitter==0.26.1", "tree-sitter-language-pack==0.13.0")
KUSTO = "@kusto/language-service-next@12.4.1"


@pytest.fixture(scope="module")
def python_tools() -> Path:
    ready = TOOLS / "ready"
    if not ready.exists():
        subprocess.run([ROOT / ".venv" / "bin" / "python", "-m", "venv", TOOLS], check=True)
        subprocess.run([TOOLS / "bin" / "pip", "install", "--quiet", *PYTHON], check=True)
        ready.touch()
    return TOOLS / "bin"


@pytest.fixture(scope="module")
def kusto() -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no Node.js with npm on this machine, which Kusto's language service needs")
    folder = TOOLS.with_name("kusto")
    service = folder / "node_modules" / "@kusto" / "language-service-next"
    if not service.exists():
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, KUSTO],
                       check=True, capture_output=True)  # fmt: skip
    return service


@pytest.mark.parametrize("which", [[], ["--included-tags", "cloud"]], ids=["all", "cloud"])
def test_appinspect_finds_no_error_failure_or_warning_in_the_add_on(
    python_tools: Path, tmp_path: Path, which: list[str]
) -> None:
    package, report = tmp_path / f"{APP}.tgz", tmp_path / "report.json"
    with tarfile.open(package, "w:gz") as tar:
        tar.add(SIEM / "splunk" / APP, APP)
    subprocess.run(
        [python_tools / "splunk-appinspect", "inspect", package, "--mode", "precert", *which,
         "--data-format", "json", "--output-file", report],
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    said = json.loads(report.read_text())
    grave = [
        (check["result"], check["name"], [message["message"] for message in check["messages"]])
        for group in said["reports"][0]["groups"]
        for check in group["checks"]
        if check["result"] in ("error", "failure", "future_failure", "warning")
    ]
    assert grave == []
    assert said["summary"]["success"] > 50


def queries() -> dict[str, str]:
    """Every KQL text of the packs, with the table before it as the language service must know it."""
    columns = ", ".join(f"{name}:{'bool' if kind == 'boolean' else kind}" for name, kind in COLUMNS.items())
    table = f"let ClaudeAuditLogs_CL = datatable({columns})[];\n"
    found = {path.name: table + path.read_text() for path in (SIEM / "hunting" / "kql").glob("*.kql")}
    for path in (SIEM / "sentinel" / "parsers").glob("*.kql"):
        text = path.read_text()
        filters = re.search(r"let parser = \((.*?)\n\) \{", text, re.S)
        # A function's parameters come from its definition in the workspace: here, from one around it.
        found[path.name] = (
            f"{table}let saved = ({filters[1]}) {{\n{text}\n}};\nsaved()" if filters else table + text
        )
    rules = json.loads((SIEM / "sentinel" / "analytic-rules.json").read_text())
    found |= {f"rule {one['name']}": table + one["properties"]["query"] for one in rules["resources"]}
    items = json.loads((SIEM / "sentinel" / "workbook.json").read_text())["items"]
    found |= {f"tile {one['name']}": table + one["content"]["query"] for one in items if one["type"] == 3}
    return found


def test_the_language_service_of_kusto_finds_nothing_wrong_in_any_query(kusto: Path) -> None:
    asked = queries()
    broken = {**asked, "broken": f"{asked['critical-events.kql']}\n| where NoSuchColumn == 1"}
    done = subprocess.run(
        ["node", Path(__file__).with_name("kql_check.cjs"), kusto],
        input=json.dumps(broken), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert "NoSuchColumn" in found.pop("broken")[0]
    assert found == {name: [] for name in asked}
    assert len(asked) > 30


BICEP = """
import sys
from tree_sitter_language_pack import get_parser
tree = get_parser("bicep").parse(sys.stdin.buffer.read())
print(tree.root_node.has_error)
"""


def test_a_bicep_grammar_reads_the_file_of_sentinel(python_tools: Path) -> None:
    def has_error(text: bytes) -> str:
        done = subprocess.run(
            [python_tools / "python", "-c", BICEP], input=text, capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode().strip()

    text = (SIEM / "sentinel" / "main.bicep").read_bytes()
    assert has_error(text) == "False"
    assert has_error(text.replace(b"  name: workspaceName\n", b"  name:\n", 1)) == "True"
