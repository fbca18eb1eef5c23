"""What each role of deploy/aws may do and must not, asked of the very policies that are deployed.

The table is the promise: a right that is not in it as allowed is denied. Bucket policies are part of each answer.
"""

import json
from typing import Any

import pytest

from tests.deploy.iam import NAMES, POLICIES, Request, decide, policy

ROLES = ("puller", "forwarder", "dbt", "auditor", "break_glass")
_ARCHIVE = f"arn:aws:s3:::{NAMES['archive']}"
_LEDGER = f"{_ARCHIVE}/{NAMES['prefix']}"
_RESULTS = f"arn:aws:s3:::{NAMES['results']}"
PAGE = f"{_LEDGER}/pages/activities/dt=2026-11-22/a/0001-0123456789abcdef.json.zst"
ENTRY = f"{_LEDGER}/log/entry/000000000007.json"
RECENT = f"{_LEDGER}/tables/recent/audit_events/dt=2026-11-22/000000000007-0123456789abcdef.parquet"
SEALED = f"{_LEDGER}/tables/sealed/audit_events/dt=2026-11-21/part-0001-0123456789abcdef.parquet"
RECEIPT = f"{_LEDGER}/receipts/siem/2026-11-22/a.parquet"
_SECRET = f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{NAMES['secrets']}"
QUEUE = f"arn:aws:sqs:eu-central-1:111122223333:{NAMES['queue']}"
_GROUPS = "arn:aws:athena:eu-central-1:111122223333:workgroup"
_GLUE = "arn:aws:glue:eu-central-1:111122223333"

# action, resource, who may
TABLE = [
    ("s3:PutObject", PAGE, {"puller"}),
    ("s3:PutObject", ENTRY, {"puller", "forwarder", "break_glass"}),
    ("s3:PutObject", RECEIPT, {"puller", "forwarder"}),
    ("s3:PutObject", SEALED, {"puller"}),
    ("s3:PutObject", f"{_ARCHIVE}/elsewhere/a", set()),
    ("s3:GetObject", PAGE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetObject", SEALED, set(ROLES)),
    ("s3:GetObjectVersion", ENTRY, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:ListBucketVersions", _ARCHIVE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetObjectRetention", PAGE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:DeleteObject", PAGE, set()),
    ("s3:DeleteObject", RECENT, set()),
    ("s3:DeleteObjectVersion", PAGE, set()),
    ("s3:DeleteObjectVersion", SEALED, set()),
    ("s3:DeleteObjectVersion", ENTRY, set()),
    ("s3:DeleteObjectVersion", RECENT, {"break_glass"}),
    ("s3:BypassGovernanceRetention", PAGE, set()),
    ("s3:PutObjectLegalHold", PAGE, {"break_glass"}),
    ("s3:PutBucketVersioning", _ARCHIVE, set()),
    ("s3:PutBucketObjectLockConfiguration", _ARCHIVE, set()),
    ("s3:PutLifecycleConfiguration", _ARCHIVE, set()),
    ("s3:PutBucketPolicy", _ARCHIVE, set()),
    ("s3:DeleteBucketPolicy", _ARCHIVE, set()),
    ("s3:PutReplicationConfiguration", _ARCHIVE, set()),
    ("s3:DeleteBucket", _ARCHIVE, set()),
    ("s3:PutObjectAcl", PAGE, set()),
    ("s3:PutObject", f"{_RESULTS}/answers/auditors/a.csv", {"auditor"}),
    ("s3:PutObject", f"{_RESULTS}/answers/pipeline/a.csv", {"dbt"}),
    ("s3:DeleteObject", f"{_RESULTS}/marts/main/fct_login/a", {"dbt"}),
    ("s3:GetObject", f"{_RESULTS}/marts/main/fct_login/a", {"dbt", "auditor"}),
    ("s3:GetObject", f"arn:aws:s3:::{NAMES['logs']}/s3/a", set()),
    ("kms:Decrypt", NAMES["key_arn"], set(ROLES)),
    ("kms:GenerateDataKey", NAMES["key_arn"], {"puller", "forwarder", "dbt", "break_glass"}),
    ("kms:ScheduleKeyDeletion", NAMES["key_arn"], set()),
    ("kms:DisableKey", NAMES["key_arn"], set()),
    ("kms:PutKeyPolicy", NAMES["key_arn"], set()),
    ("sqs:SendMessage", QUEUE, {"puller"}),
    ("sqs:ReceiveMessage", QUEUE, {"forwarder"}),
    ("sqs:DeleteMessage", QUEUE, {"forwarder"}),
    ("sqs:PurgeQueue", QUEUE, set()),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/compliance-key-AbCdEf", {"puller"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/signing-key-AbCdEf", {"puller", "forwarder", "break_glass"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/destinations-AbCdEf", {"forwarder"}),
    ("secretsmanager:PutSecretValue", f"{_SECRET}/signing-key-AbCdEf", set()),
    ("athena:StartQueryExecution", f"{_GROUPS}/{NAMES['auditors']}", {"auditor"}),
    ("athena:StartQueryExecution", f"{_GROUPS}/{NAMES['workgroup']}", {"dbt"}),
    ("athena:StartQueryExecution", f"{_GROUPS}/primary", set()),
    ("athena:UpdateWorkGroup", f"{_GROUPS}/{NAMES['auditors']}", set()),
    ("glue:GetTable", f"{_GLUE}:table/{NAMES['database']}/audit_events", {"dbt", "auditor"}),
    ("glue:UpdateTable", f"{_GLUE}:table/{NAMES['database']}/audit_events", {"dbt"}),
    ("glue:DeleteDatabase", f"{_GLUE}:database/{NAMES['database']}", set()),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/example-puller", set()),
    ("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/example-auditor", set()),
    ("cloudtrail:StopLogging", "arn:aws:cloudtrail:eu-central-1:111122223333:trail/example-claude-audit", set()),
]
CASES = [(role, action, resource, role in may) for action, resource, may in TABLE for role in ROLES]


def answer(role: str, action: str, resource: str, **context: str) -> str:
    asked = Request(f"example-{role.replace('_', '-')}", action, resource, context)
    of_resource = []
    if resource.startswith(_ARCHIVE):
        of_resource = [policy("archive_bucket")]
    elif resource.startswith(_RESULTS):
        of_resource = [policy("results_bucket")]
    elif resource == QUEUE:
        of_resource = [policy("queue")]
    return decide(asked, [policy(role)], of_resource)


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
    assert admin("s3:DeleteBucket", _ARCHIVE).startswith("denied")
    for action in ("s3:PutObject", "s3:PutObjectRetention"):
        assert admin(action, PAGE, **{short: "30"}) == "denied by NoRetentionShorterThanAsked"
        assert admin(action, PAGE, **{short: "2555"}) == "allowed"
        assert admin(action, RECENT, **{short: "7"}) == "denied by NoRecentFileShorterThanAsked"
        assert admin(action, RECENT, **{short: "30"}) == "allowed"
        assert admin(action, PAGE, **{short: "2555", lock: "GOVERNANCE"}) == "denied by NoWeakerMode"


def test_what_the_store_does_by_itself_is_not_in_its_own_way() -> None:
    """The probe of each start is locked for an hour, and objects come without a header for encryption."""
    shown = {"s3:object-lock-remaining-retention-days": "0", "s3:object-lock-mode": "COMPLIANCE"}
    assert answer("puller", "s3:PutObject", f"{_LEDGER}/probes/20261122", **shown) == "allowed"
    named = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    assert answer("puller", "s3:PutObject", PAGE, **{named: NAMES["key_arn"]}) == "allowed"
    other = NAMES["key_arn"].replace("0001", "0009")
    assert answer("puller", "s3:PutObject", PAGE, **{named: other}) == "denied by NoOtherKeyThanTheArchives"


@pytest.mark.parametrize("role", ROLES)
def test_nobody_comes_without_tls_or_from_another_account(role: str) -> None:
    for bucket in (SEALED, f"{_RESULTS}/marts/main/a"):
        plain = answer(role, "s3:GetObject", bucket, **{"aws:SecureTransport": "false"})
        assert plain == "denied by OnlyEncryptedOnTheWay"
        strange = answer(role, "s3:GetObject", bucket, **{"aws:PrincipalAccount": "999988887777"})
        assert strange == "denied by NoOtherAccount"


def test_an_auditor_encrypts_answers_and_nothing_else() -> None:
    context = "kms:EncryptionContext:aws:s3:arn"
    key = NAMES["key_arn"]
    assert answer("auditor", "kms:GenerateDataKey", key, **{context: _RESULTS}) == "allowed"
    assert answer("auditor", "kms:GenerateDataKey", key, **{context: _ARCHIVE}) == "not allowed"


def test_the_copier_reads_checkpoints_only_and_copies_can_be_deleted_by_nobody() -> None:
    copier = policy("copier")
    read = "s3:GetObjectVersionForReplication"
    checkpoint = f"{_LEDGER}/log/checkpoint/000000000007"
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
