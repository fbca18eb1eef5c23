"""What deploy/aws is refused for: by OpenTofu before anything is made, or by AWS's models before a call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.local_aws import WITNESS_ROLE, LocalAws, local_aws

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with local_aws(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("archive.tf", 'mode = "COMPLIANCE"', 'mode = "FOREVER"', "AWS knows GOVERNANCE, COMPLIANCE"),
        ("queues.tf", 'time_unit    = "MONTHLY"', 'time_unit    = "FORTNIGHTLY"', "FORTNIGHTLY"),
        ("athena.tf", "limit = var.scan_limit_bytes }", "limit = 1000 }", "AWS takes 10000000"),
    ],
)
def test_a_value_that_aws_does_not_take_is_seen(
    aws: LocalAws, tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    folder = aws.folder(tmp_path / "aws")
    text = (folder.path / file).read_text()
    assert old in text
    (folder.path / file).write_text(text.replace(old, new))
    witness = f"-var=witness_role_arn={WITNESS_ROLE}"
    name = f"-var=name=wrong-{file.removesuffix('.tf')}"
    failed = folder.run("apply", "-no-color", "-auto-approve", witness, name, "-var=alarm_email=audit@example.com",
                        succeeds=False)  # fmt: skip
    assert told in failed


def test_a_name_that_no_bucket_may_have_is_refused_before_anything_is_made(aws: LocalAws, tmp_path: Path) -> None:
    folder = aws.folder(tmp_path / "aws")
    told = folder.run("plan", "-no-color", "-var=name=Our_Archive", "-var=witness_role_arn=a:b:c:d:e:f",
                      "-var=alarm_email=audit@example.com", succeeds=False)  # fmt: skip
    assert "The name has 2 to 21 small letters" in told
