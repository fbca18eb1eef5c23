"""What each role of deploy/aws may do and must not, asked of the very policies that are deployed.

The table is the promise: a right that is not in it as allowed is denied. Bucket policies are part of each answer.
"""

import json
from typing import Any

import pytest

from tests.deploy.iam import NAMES, POLICIES, Request, decide, policy
from tests.deploy.role_table import (
    ARCHIVE,
    LEDGER,
    PAGE,
    PAGE_OF_ROLES,
    RECENT,
    RESULTS,
    ROLES,
    SEALED,
    TABLE,
    answer,
    page,
)  # fmt: skip

CASES = [(role, action, resource, role in may) for action, resource, may in TABLE for role in ROLES]


@pytest.mark.parametrize(("role", "action", "resource", "may"), CASES)
def test_a_role_may_what_the_table_says_and_nothing_else(role: str, action: str, resource: str, may: bool) -> None:
    assert (answer(role, action, resource) == "allowed") is may


def test_whoever_comes_as_administrator_cannot_delete_weaken_or_shorten_evidence() -> None:
    """The bucket's own policy stands against a role that may do everything."""
    everything = {"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def admin(action: str, resource: str, **context: str) -> str:
        known = {key.replace("__", ":").replace("_", "-"): value for key, value in context.items()}
        return decide(Request("admin", action, resource, known), [everything], [policy("archive_bucket")])

    short, lock = "s3__object_lock_remaining_retention_days", "s3__object_lock_mode"
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"):
        assert admin(action, PAGE).startswith("denied"), action
    assert admin("s3:DeleteObjectVersion", RECENT) == "denied by VersionsGoOnlyFromTheRecentTierAndByBreakGlass"
    assert admin("s3:DeleteBucket", ARCHIVE).startswith("denied")
    for action in ("s3:PutObject", "s3:PutObjectRetention"):
        assert admin(action, PAGE, **{short: "30"}) == "denied by NoRetentionShorterThanAsked"
        assert admin(action, PAGE, **{short: "2555"}) == "allowed"
        assert admin(action, RECENT, **{short: "7"}) == "denied by NoRecentFileShorterThanAsked"
        assert admin(action, RECENT, **{short: "30"}) == "allowed"
        assert admin(action, PAGE, **{short: "2555", lock: "GOVERNANCE"}) == "denied by NoWeakerMode"


def test_what_the_store_does_by_itself_is_not_in_its_own_way() -> None:
    """The probe of each start is locked for an hour, and objects come without a header for encryption."""
    shown = {"s3:object-lock-remaining-retention-days": "0", "s3:object-lock-mode": "COMPLIANCE"}
    assert answer("puller", "s3:PutObject", f"{LEDGER}/probes/20261122", **shown) == "allowed"
    named = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    assert answer("puller", "s3:PutObject", PAGE, **{named: NAMES["key_arn"]}) == "allowed"
    other = NAMES["key_arn"].replace("0001", "0009")
    assert answer("puller", "s3:PutObject", PAGE, **{named: other}) == "denied by NoOtherKeyThanTheArchives"


@pytest.mark.parametrize("role", ROLES)
def test_every_right_that_a_policy_gives_has_a_row_in_the_table(role: str) -> None:
    shown = {action for action, _, may in TABLE if role in may}
    given = {
        action
        for statement in policy(role)["Statement"] if statement["Effect"] == "Allow"
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    }  # fmt: skip
    assert given - shown - ({"kms:GenerateDataKey"} if role == "auditor" else set()) == set()  # asked below


def test_the_table_that_people_read_is_what_the_policies_answer() -> None:
    assert PAGE_OF_ROLES.read_text() == page(), "python -m tests.deploy.role_table writes it anew"


@pytest.mark.parametrize("role", ROLES)
def test_nobody_comes_without_tls_or_from_another_account(role: str) -> None:
    for bucket in (SEALED, f"{RESULTS}/marts/main/a"):
        plain = answer(role, "s3:GetObject", bucket, **{"aws:SecureTransport": "false"})
        assert plain == "denied by OnlyEncryptedOnTheWay"
        strange = answer(role, "s3:GetObject", bucket, **{"aws:PrincipalAccount": "999988887777"})
        assert strange == "denied by NoOtherAccount"


def test_an_auditor_encrypts_answers_and_nothing_else() -> None:
    context = "kms:EncryptionContext:aws:s3:arn"
    key = NAMES["key_arn"]
    assert answer("auditor", "kms:GenerateDataKey", key, **{context: RESULTS}) == "allowed"
    assert answer("auditor", "kms:GenerateDataKey", key, **{context: ARCHIVE}) == "not allowed"


def test_the_copier_reads_checkpoints_only_and_copies_can_be_deleted_by_nobody() -> None:
    copier = policy("copier")
    read = "s3:GetObjectVersionForReplication"
    checkpoint = f"{LEDGER}/log/checkpoint/000000000007"
    copies = f"arn:aws:s3:::{NAMES['checkpoints']}/{NAMES['prefix']}/log/checkpoint/000000000007"
    theirs = [policy("checkpoints_bucket")]
    assert decide(Request("example-checkpoint-copier", read, checkpoint), [copier]) == "allowed"
    assert decide(Request("example-checkpoint-copier", read, PAGE), [copier]) == "not allowed"
    assert (
        decide(Request("example-checkpoint-copier", "s3:ReplicateObject", copies), [copier], theirs) == "allowed"
    )
    for action in (
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:ReplicateDelete",
        "s3:BypassGovernanceRetention",
    ):
        everything = {"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
        assert decide(Request("admin", action, copies), [everything], theirs).startswith("denied"), action


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.json")), ids=lambda path: path.stem)
def test_a_policy_is_small_enough_has_a_name_for_each_statement_and_no_place_left_open(path: Any) -> None:
    document = policy(path.stem)
    text = json.dumps(document, separators=(",", ":"))
    assert "${" not in text
    # a role's own policies may have 10,240 characters together, a bucket's 20 KB
    assert len(text) < (20_000 if path.stem.endswith(("bucket", "key", "queue")) else 10_240)
    names = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(names)) == len(names)
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow" and path.stem in ROLES:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [one for one in actions if "*" in one], "each right of a role is named"
            assert statement["Resource"] != "*"
