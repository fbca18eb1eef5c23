"""Our FOCUS file before the FinOps Foundation's own validator, `focus-validator` 2.2.1, which knows version 1.2.

It needs Python 3.12 and older libraries than ours, so it lives in an environment of its own, made once below
`.venv`.
It ends with 0 whatever it finds, so its words are read. `KNOWN` are faults of its rules, each with the reason.
"""

import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER, cost, mapping
from warehouse.finops.focus import Account, cost_and_usage, file_bytes

pytestmark = pytest.mark.real

HOME = ROOT / ".venv" / "focus-validator"
PINS = ("focus-validator==2.2.1", "pyarrow<22")  # its pandas needs NumPy 1, which newer pyarrow does not take
CAPABILITIES = "USAGE_MEASUREMENT_SUPPORTED,SUB_ACCOUNT_SUPPORTED,TAGGING_SUPPORTED"
KNOWN = {
    "InvoiceId-C-004-C": "must be null: its condition is empty, as is that of C-005: one of them always fails",
    "InvoiceId-C-005-C": "must not be null: see C-004",
    "ConsumedQuantity-C-006-C": "its condition is the wrong way round: it looks at Correction rows only",
    "ConsumedQuantity-C-005-C": "contains C-006",
    "ConsumedQuantity-C-004-C": "depends on C-005",
    "ConsumedQuantity-C-003-C": "contains C-004 and C-005",
    "ConsumedQuantity-C-000-C": "contains C-003",
}


def python_3_12() -> str | None:
    places = [shutil.which("python3.12"), *map(str, Path.home().glob(".pyenv/versions/3.12*/bin/python3.12"))]
    for place in places:
        if (
            place
            and subprocess.run([place, "-c", "import venv"], capture_output=True, check=False).returncode == 0
        ):
            return place
    return None


@pytest.fixture(scope="module")
def validator() -> Path:
    command = HOME / "bin" / "focus-validator"
    if not command.exists():
        python = python_3_12()
        if python is None:
            pytest.skip("no Python 3.12 on this machine, which the validator needs")
        subprocess.run([python, "-m", "venv", HOME], check=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", *PINS], check=True)
    return command


def focus_file(path: Path) -> Path:
    """A month with splits, every category of charge and corrections of the month before."""
    company = Company(
        mapping(
            ",user_ada,platform,2026-01-01,,25",
            ",user_ada,research,2026-01-01,,75",
            ",user_bob,data,2026-01-01,,",
        )
    )
    tokens = {"quantity": Decimal(1000), "unit": "Tokens", "token_type": "output_tokens"}
    company.rows[OCTOBER] = [cost("10.1234", **tokens), cost("3", actor="user_bob", **tokens)]
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("11.1234", **tokens), cost("3", actor="user_bob", **tokens)]
    company.rows[NOVEMBER] = [
        cost("7.0049", "2026-11-02", **tokens),
        cost("2", "2026-11-03", None, requests=3, cost_type="web_search"),
        cost("1.5", "2026-11-03", None, charge_category="Tax"),
        cost("-1", "2026-11-03", None, charge_category="Credit"),
    ]
    done = company.prepare(NOVEMBER)
    table = cost_and_usage(
        done.statement, done.allocation.lines, Account("org_1"), mapping_version="m", rules_version="r"
    )
    path.write_bytes(file_bytes(table, path))
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_validator_finds_nothing_but_the_known_faults_of_its_own_rules(
    validator: Path, tmp_path: Path, ending: str
) -> None:
    path = focus_file(tmp_path / f"november.{ending}")
    (packages,) = HOME.glob("lib/python3.*/site-packages")  # it opens a file of its own relative to here
    done = subprocess.run(
        [
            validator, "--data-file", path, "--validate-version", "1.2", "--block-download",
            "--applicability-criteria", CAPABILITIES,
        ],
        cwd=packages, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    totals = re.search(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)", said)
    assert totals is not None, said[-2000:]
    rules, passed, failed, _ = map(int, totals.groups())
    names = set(re.findall(r"(\S+): FAIL ", said))
    assert len(names) == failed
    assert names <= KNOWN.keys()
    assert (rules > 500, passed > 100) == (True, True)
