"""What each role of deploy/aws may do and must not, as a table, and the policies that are deployed asked for it.

Promise: a right that no row gives to a role is denied to it. `python -m tests.deploy.role_table` writes the table,
with what the policies answer, to deploy/aws/roles.md.
"""

import re
from pathlib import Path

from tests.deploy.iam import NAMES, Request, decide, policy

PAGE_OF_ROLES = Path(__file__).parents[2] / "deploy" / "aws" / "roles.md"

ROLES = ("puller", "forwarder", "dbt", "auditor", "break_glass")
ARCHIVE = f"arn:aws:s3:::{NAMES['archive']}"
LEDGER = f"{ARCHIVE}/{NAMES['prefix']}"
RESULTS = f"arn:aws:s3:::{NAMES['results']}"
_MART = f"{RESULTS}/marts/main/fct_login/a"
PAGE = f"{LEDGER}/pages/activities/dt=2026-11-22/a/0001-0123456789abcdef.json.zst"
ENTRY = f"{LEDGER}/log/entry/000000000007.json"
RECENT = f"{LEDGER}/tables/recent/audit_events/dt=2026-11-22/000000000007-0123456789abcdef.parquet"
SEALED = f"{LEDGER}/tables/sealed/audit_events/dt=2026-11-21/part-0001-0123456789abcdef.parquet"
RECEIPT = f"{LEDGER}/receipts/siem/2026-11-22/a.parquet"
_SECRET = f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{NAMES['secrets']}"
QUEUE = f"arn:aws:sqs:eu-central-1:111122223333:{NAMES['queue']}"
_GROUPS = "arn:aws:athena:eu-central-1:111122223333:workgroup"
_GLUE = "arn:aws:glue:eu-central-1:111122223333"
_TABLE = f"{_GLUE}:table/{NAMES['database']}/audit_events"
_OF_QUERIES = ("StopQueryExecution", "GetQueryExecution", "GetQueryResults", "GetWorkGroup")
_OF_AUDITORS = (
    "GetQueryResultsStream", "ListQueryExecutions", "GetPreparedStatement", "ListPreparedStatements",
)  # fmt: skip
_OF_MARTS = (
    "CreateTable", "DeleteTable", "DeleteTableVersion", "BatchDeleteTableVersion", "CreatePartition",
    "BatchCreatePartition", "UpdatePartition", "DeletePartition", "BatchDeletePartition",
)  # fmt: skip

# action, resource, who may
TABLE = [
    ("s3:PutObject", PAGE, {"puller"}),
    ("s3:PutObject", ENTRY, {"puller", "forwarder", "break_glass"}),
    ("s3:PutObject", RECEIPT, {"puller", "forwarder"}),
    ("s3:PutObject", SEALED, {"puller"}),
    ("s3:PutObject", f"{ARCHIVE}/elsewhere/a", set()),
    ("s3:GetObject", PAGE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetObject", SEALED, set(ROLES)),
    ("s3:GetObjectVersion", ENTRY, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:ListBucketVersions", ARCHIVE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetObjectRetention", PAGE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:PutObjectRetention", PAGE, {"puller", "break_glass"}),
    ("s3:PutObjectRetention", ENTRY, {"puller", "forwarder", "break_glass"}),
    ("s3:PutObjectRetention", RECEIPT, {"puller", "forwarder", "break_glass"}),
    ("s3:GetObjectLegalHold", PAGE, {"auditor", "break_glass"}),
    ("s3:ListBucket", ARCHIVE, set(ROLES)),
    ("s3:GetBucketLocation", ARCHIVE, {"dbt", "auditor"}),
    ("s3:GetBucketVersioning", ARCHIVE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetBucketObjectLockConfiguration", ARCHIVE, {"puller", "forwarder", "auditor", "break_glass"}),
    ("s3:GetBucketPolicy", ARCHIVE, {"auditor"}),
    ("s3:DeleteObject", PAGE, set()),
    ("s3:DeleteObject", RECENT, set()),
    ("s3:DeleteObjectVersion", PAGE, set()),
    ("s3:DeleteObjectVersion", SEALED, set()),
    ("s3:DeleteObjectVersion", ENTRY, set()),
    ("s3:DeleteObjectVersion", RECENT, {"break_glass"}),
    ("s3:BypassGovernanceRetention", PAGE, set()),
    ("s3:PutObjectLegalHold", PAGE, {"break_glass"}),
    ("s3:PutBucketVersioning", ARCHIVE, set()),
    ("s3:PutBucketObjectLockConfiguration", ARCHIVE, set()),
    ("s3:PutLifecycleConfiguration", ARCHIVE, set()),
    ("s3:PutBucketPolicy", ARCHIVE, set()),
    ("s3:DeleteBucketPolicy", ARCHIVE, set()),
    ("s3:PutReplicationConfiguration", ARCHIVE, set()),
    ("s3:DeleteBucket", ARCHIVE, set()),
    ("s3:PutObjectAcl", PAGE, set()),
    ("s3:PutObject", f"{RESULTS}/answers/auditors/a.csv", {"auditor"}),
    ("s3:PutObject", f"{RESULTS}/answers/pipeline/a.csv", {"dbt"}),
    ("s3:DeleteObject", _MART, {"dbt"}),
    ("s3:GetObject", _MART, {"dbt", "auditor"}),
    ("s3:ListBucket", RESULTS, {"dbt", "auditor"}),
    ("s3:GetBucketLocation", RESULTS, {"dbt", "auditor"}),
    ("s3:AbortMultipartUpload", _MART, {"dbt"}),
    ("s3:ListMultipartUploadParts", _MART, {"dbt"}),
    ("s3:GetObject", f"arn:aws:s3:::{NAMES['logs']}/cloudtrail/a", set()),
    ("s3:GetObject", f"arn:aws:s3:::{NAMES['access_logs']}/a", set()),
    ("kms:Decrypt", NAMES["key_arn"], set(ROLES)),
    ("kms:GenerateDataKey", NAMES["key_arn"], {"puller", "forwarder", "dbt", "break_glass"}),
    ("kms:ScheduleKeyDeletion", NAMES["key_arn"], set()),
    ("kms:DisableKey", NAMES["key_arn"], set()),
    ("kms:PutKeyPolicy", NAMES["key_arn"], set()),
    ("sqs:SendMessage", QUEUE, {"puller"}),
    ("sqs:ReceiveMessage", QUEUE, {"forwarder"}),
    ("sqs:DeleteMessage", QUEUE, {"forwarder"}),
    ("sqs:PurgeQueue", QUEUE, set()),
    ("sqs:ChangeMessageVisibility", QUEUE, {"forwarder"}),
    *((f"sqs:{one}", QUEUE, {"puller", "forwarder"}) for one in ("GetQueueAttributes", "GetQueueUrl")),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/compliance-key-AbCdEf", {"puller"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/signing-key-AbCdEf", {"puller", "forwarder", "break_glass"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/destinations-AbCdEf", {"forwarder"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/analytics-key-AbCdEf", {"puller"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/directory-key-AbCdEf", {"puller"}),
    ("secretsmanager:GetSecretValue", f"{_SECRET}/dagster-AbCdEf", set()),
    ("secretsmanager:PutSecretValue", f"{_SECRET}/signing-key-AbCdEf", set()),
    ("athena:StartQueryExecution", f"{_GROUPS}/{NAMES['auditors']}", {"auditor"}),
    ("athena:StartQueryExecution", f"{_GROUPS}/{NAMES['workgroup']}", {"dbt"}),
    ("athena:StartQueryExecution", f"{_GROUPS}/primary", set()),
    ("athena:UpdateWorkGroup", f"{_GROUPS}/{NAMES['auditors']}", set()),
    *((f"athena:{one}", f"{_GROUPS}/{NAMES['workgroup']}", {"dbt"}) for one in _OF_QUERIES),
    *((f"athena:{one}", f"{_GROUPS}/{NAMES['auditors']}", {"auditor"}) for one in (*_OF_QUERIES, *_OF_AUDITORS)),
    ("glue:GetTable", _TABLE, {"dbt", "auditor"}),
    ("glue:UpdateTable", _TABLE, {"dbt"}),
    *(
        (f"glue:{one}", f"{_GLUE}:database/{NAMES['database']}", {"dbt", "auditor"})
        for one in ("GetDatabase", "GetDatabases")
    ),
    *((f"glue:{one}", _TABLE, {"dbt", "auditor"}) for one in ("GetTables", "GetPartitions")),
    *((f"glue:{one}", _TABLE, {"dbt"}) for one in ("GetTableVersions", "GetPartition", "BatchGetPartition")),
    *((f"glue:{one}", _TABLE, {"dbt"}) for one in _OF_MARTS),
    ("glue:DeleteDatabase", f"{_GLUE}:database/{NAMES['database']}", set()),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/example-puller", set()),
    ("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/example-auditor", set()),
    ("cloudtrail:StopLogging", "arn:aws:cloudtrail:eu-central-1:111122223333:trail/example-claude-audit", set()),
]


def answer(role: str, action: str, resource: str, **context: str) -> str:
    asked = Request(f"example-{role.replace('_', '-')}", action, resource, context)
    of_resource = []
    if resource.startswith(ARCHIVE):
        of_resource = [policy("archive_bucket")]
    elif resource.startswith(RESULTS):
        of_resource = [policy("results_bucket")]
    elif resource == QUEUE:
        of_resource = [policy("queue")]
    return decide(asked, [policy(role)], of_resource)


_HEAD = """\
# What each role may do

Made by `python -m tests.deploy.role_table` out of the policies beside this page: each cell is what they answer,
asked as AWS decides ([README](README.md#what-was-tried)). **yes**: allowed. A dash: no policy allows it. Else the
statement that denies it. `tests/deploy/test_roles.py` holds every cell to what it must be, and every right that a
policy gives has its row. An auditor encrypts answers too (`kms:GenerateDataKey` for the bucket of answers alone).

"""


def page() -> str:
    """The table as Markdown: a line for each action and resource, a column for each role."""
    lines = ["| action | on | " + " | ".join(role.replace("_", "-") for role in ROLES) + " |"]
    lines.append("|" + " --- |" * (len(ROLES) + 2))
    for action, resource, _ in TABLE:
        told = [_told(answer(role, action, resource)) for role in ROLES]
        lines.append(f"| `{action}` | `{_short(resource)}` | {' | '.join(told)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _told(answered: str) -> str:
    return {"allowed": "**yes**", "not allowed": "-"}.get(answered, answered.removeprefix("denied by "))


def _short(resource: str) -> str:
    """The resource without partition, region and account."""
    service, _, place = resource.removeprefix("arn:aws:").partition(":")
    return f"{service}: {re.sub('^[a-z0-9-]*:[0-9]*:', '', place)}"


if __name__ == "__main__":
    PAGE_OF_ROLES.write_text(page())
