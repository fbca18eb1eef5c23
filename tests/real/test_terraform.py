"""deploy/aws before HashiCorp's own parser, the AWS provider's schema and checkov, whose findings are answered."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import Page
from tests.real import go_program
from tests.real.terraform import AWS, ROOT, Read, misfits, read

pytestmark = pytest.mark.real
CHECKOV = "checkov==3.3.30"
_README = Page(AWS / "README.md")


@pytest.fixture(scope="module")
def aws() -> Read:
    return read(AWS)


def test_every_file_parses_is_in_form_and_names_only_what_is_there(aws: Read) -> None:
    assert aws.files == sorted(path.name for path in AWS.glob("*.tf"))
    assert aws.problems == []


def test_every_resource_fits_the_schema_of_the_provider(aws: Read) -> None:
    """Each argument and block exists in release 6.25.0, and none that is required is left out."""
    resources = [block for block in aws.blocks if block.type in ("resource", "data")]
    assert len(resources) > 70
    assert [text for block in resources for text in misfits(block)] == []


def test_what_is_wrong_is_seen(tmp_path: Path) -> None:
    (tmp_path / "broken.tf").write_text(
        'resource "aws_sqs_queue" "one" {\n  name  = var.nobody\n  nmae = "x"\n}\n'
        'resource "aws_s3_bucket_versioning" "one" {\n  bucket = aws_sqs_queue.two.id\n}\n'
    )
    found = read(tmp_path)
    told = "\n".join([*found.problems, *(text for block in found.blocks for text in misfits(block))])
    for wrong in (
        "var.nobody is not declared",
        "aws_sqs_queue.two is not declared",
        "`terraform fmt` makes it",
        "aws_sqs_queue has no nmae",
        "aws_s3_bucket_versioning needs versioning_configuration",
    ):
        assert wrong in told
    (tmp_path / "broken.tf").write_text('resource "aws_sqs_queue" {')
    assert read(tmp_path).problems


def checkov() -> Path:
    """The program in an environment of its own, made once. Skips the test where it cannot be had."""
    home = go_program.tools() / CHECKOV.replace("==", "-")
    program = home / "bin" / "checkov"
    if not program.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", home], check=True, timeout=120)
        install = [uv, "pip", "install", "--quiet", "--python", home / "bin" / "python", CHECKOV]
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode != 0:
            pytest.skip(f"checkov could not be installed: {done.stderr.strip()[-200:]}")
    return program


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    done = subprocess.run(
        [checkov(), "-d", AWS, "--framework", "terraform", "--skip-download", "--quiet", "-o", "json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def accepted() -> set[tuple[str, str]]:
    """Check and resource of each row of the table in deploy/aws/README.md; each has its reason."""
    rows = [line for line in _README.text.splitlines() if line.startswith("| CKV")]
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]
    assert all(len(reason) > 20 for _, _, reason in cells)
    return {
        (check, resource) for check, resources, _ in cells for resource in resources.replace("`", "").split(", ")
    }


def test_each_finding_of_checkov_is_answered_and_no_answer_is_left_over(findings: dict[str, Any]) -> None:
    assert findings["summary"]["parsing_errors"] == 0
    assert findings["summary"]["passed"] > 150
    failed = {(one["check_id"], one["resource"].partition("[")[0]) for one in findings["results"]["failed_checks"]}
    assert failed == accepted()
