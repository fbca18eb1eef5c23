"""deploy/aws planned and applied by OpenTofu on a local AWS, and what stands afterwards, asked of AWS's API.

OpenTofu is the real one. The provider has the AWS provider's schema and stands in for it (`aws_provider.py`), and
AWS is moto.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deploy.iam import policy
from tests.real.local_aws import ACCOUNT, AUDITORS, REGION, WITNESS, LocalAws, Stands, applied, local_aws
from tests.real.terraform import AWS
from warehouse.archive.s3 import S3Store
from warehouse.config.reading import parse

pytestmark = pytest.mark.real
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/ledgerline@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with local_aws(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture(scope="module")
def with_function(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Stands:
    """The weekend path: a Lambda function on a schedule."""
    return applied(aws, tmp_path_factory.mktemp("function"), "example", {"lambda": True, "image": IMAGE})


@pytest.fixture(scope="module")
def with_dagster(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Stands:
    """Dagster on Fargate, as a second installation in the same account."""
    ec2 = aws.client("ec2")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]]
    groups = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]]
    more = {
        "image": IMAGE,
        "subnets": subnets,
        "security_groups": groups,
        "database_host": "db.example.com",
    }
    return applied(aws, tmp_path_factory.mktemp("dagster"), "second", more)


@pytest.fixture(scope="module", params=["with_dagster", "with_function"])
def stands(request: pytest.FixtureRequest) -> Stands:
    found: Stands = request.getfixturevalue(request.param)
    return found


def test_everything_that_was_planned_stands_and_a_second_plan_changes_nothing(stands: Stands) -> None:
    made = [one for one in stands.folder.shown()["values"]["root_module"]["resources"] if one["mode"] == "managed"]
    assert len(made) > 100
    assert "No changes" in stands.tofu("plan", "-detailed-exitcode")
    assert "0 added, 0 changed, 0 destroyed" in stands.tofu("apply", "-auto-approve")


def test_nothing_of_the_evidence_is_destroyed(stands: Stands) -> None:
    told = stands.tofu("destroy", "-auto-approve", succeeds=False)
    for kept in ("archive", "logs", "access_logs", "checkpoints"):
        assert f"aws_s3_bucket.{kept}" in told
    assert "aws_kms_key.archive" in told
    assert "prevent_destroy" in told
    assert "No changes" in stands.tofu("plan", "-detailed-exitcode")


def test_the_archive_is_versioned_locked_encrypted_and_closed(stands: Stands) -> None:
    s3, archive = stands.aws.client("s3"), {"Bucket": stands.bucket("audit")}
    assert s3.get_bucket_versioning(**archive)["Status"] == "Enabled"
    lock = s3.get_object_lock_configuration(**archive)["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert _retention(lock) == ("COMPLIANCE", 30)
    rules = s3.get_bucket_encryption(**archive)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": stands.names["key_arn"],
    }
    assert set(s3.get_public_access_block(**archive)["PublicAccessBlockConfiguration"].values()) == {True}
    ownership = s3.get_bucket_ownership_controls(**archive)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert stands.aws.client("kms").get_key_rotation_status(KeyId=stands.names["key_arn"])["KeyRotationEnabled"]


def _retention(lock: Any) -> tuple[str, int]:
    default = lock["Rule"]["DefaultRetention"]
    return default["Mode"], default["Days"]


@contextmanager
def _without_policy(stands: Stands) -> Iterator[Any]:
    """moto denies whatever a statement denies on some condition: what is stored is asked without the policy."""
    s3, archive = stands.aws.client("s3"), {"Bucket": stands.bucket("audit")}
    put = s3.get_bucket_policy(**archive)["Policy"]
    s3.delete_bucket_policy(**archive)
    try:
        yield s3
    finally:
        s3.put_bucket_policy(**archive, Policy=put)


def test_what_is_put_without_a_word_about_locks_is_locked_all_the_same(stands: Stands) -> None:
    place = {"Bucket": stands.bucket("audit"), "Key": "ledger/probes/one"}
    with _without_policy(stands) as s3:
        version = s3.put_object(**place, Body=b"one")["VersionId"]
        held = s3.head_object(**place, VersionId=version)
        assert held["ObjectLockMode"] == "COMPLIANCE"
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(**place, VersionId=version, BypassGovernanceRetention=True)


def test_the_pipeline_takes_the_archive_as_its_store(stands: Stands) -> None:
    """The same trial as at every start: no overwriting, the lock asked for, no deletion of what is locked."""
    with _without_policy(stands) as s3:
        found = S3Store(s3, stands.bucket("audit"), "ledger").probe()
    assert len(found) > 1
    assert [one.check for one in found if not one.ok] == ["shortening"]  # moto lets a retention be shortened


@pytest.mark.parametrize(
    ("of", "file"),
    [
        ("audit", "archive_bucket"),
        ("athena", "results_bucket"),
        ("logs", "logs_bucket"),
        ("access", "access_logs_bucket"),
    ],
)
def test_the_policy_on_a_bucket_is_the_file(stands: Stands, of: str, file: str) -> None:
    put = stands.aws.client("s3").get_bucket_policy(Bucket=stands.bucket(of))["Policy"]
    assert json.loads(put) == policy(file, stands.names)


def test_the_policies_of_keys_and_of_the_queue_are_the_files(stands: Stands) -> None:
    kms, sqs = stands.aws.client("kms"), stands.aws.client("sqs")
    put = kms.get_key_policy(KeyId=stands.names["key_arn"], PolicyName="default")["Policy"]
    assert json.loads(put) == policy("key", stands.names)
    url = sqs.get_queue_url(QueueName=stands.names["queue"])["QueueUrl"]
    put = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(put) == policy("queue", stands.names)


@pytest.mark.parametrize("role", ["auditor", "break-glass", "dbt", "forwarder", "puller", "checkpoint-copier"])
def test_a_role_has_the_policy_of_its_file_and_is_taken_on_by_whom_it_should(stands: Stands, role: str) -> None:
    iam, name = stands.aws.client("iam"), f"{stands.name}-{role}"
    file = {"checkpoint-copier": "copier"}.get(role, role.replace("-", "_"))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["ledgerline"]
    put = iam.get_role_policy(RoleName=name, PolicyName="ledgerline")["PolicyDocument"]
    assert put == policy(file, stands.names)
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    root = f"arn:aws:iam::{ACCOUNT}:root"
    people = {"auditor": [AUDITORS], "break-glass": [root]}.get(role)
    if people:
        assert trust[0]["Principal"] == {"AWS": people}
        assert trust[0]["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": ["true"]}}
    else:
        assert "Service" in trust[0]["Principal"]
        assert set(trust[0]["Condition"]) == {"StringEquals"}
    assert len(trust) == 1


def test_the_policies_of_a_role_together_are_no_longer_than_aws_takes(stands: Stands) -> None:
    iam = stands.aws.client("iam")
    for role in iam.list_roles()["Roles"]:
        names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        put = [iam.get_role_policy(RoleName=role["RoleName"], PolicyName=one)["PolicyDocument"] for one in names]
        assert sum(len(json.dumps(one, separators=(",", ":"))) for one in put) <= 10_240, role["RoleName"]


def test_checkpoints_are_copied_into_a_locked_bucket_of_the_second_account(stands: Stands) -> None:
    names, s3 = stands.names, stands.aws.client("s3")
    replication = s3.get_bucket_replication(Bucket=names["archive"])["ReplicationConfiguration"]
    rule = replication["Rules"][0]
    assert replication["Role"] == names["copier"]
    asked = stands.state("aws_s3_bucket_replication_configuration.archive")["rule"][0]
    assert asked["filter"][0]["prefix"] == "ledger/log/checkpoint/"
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{names['checkpoints']}"
    assert rule["Destination"]["Account"] == WITNESS
    assert f":{WITNESS}:" in names["checkpoints_key"]
    theirs = stands.aws.witness.client("s3", endpoint_url=stands.aws.endpoint)
    assert names["checkpoints"] in [one["Name"] for one in theirs.list_buckets()["Buckets"]]
    lock = theirs.get_object_lock_configuration(Bucket=names["checkpoints"])["ObjectLockConfiguration"]
    assert _retention(lock) == ("COMPLIANCE", 2555)
    put = theirs.get_bucket_policy(Bucket=names["checkpoints"])["Policy"]
    assert json.loads(put) == policy("checkpoints_bucket", names)
    kms = stands.aws.witness.client("kms", endpoint_url=stands.aws.endpoint)
    put = kms.get_key_policy(KeyId=names["checkpoints_key"], PolicyName="default")["Policy"]
    assert json.loads(put) == policy("checkpoints_key", names)


def test_a_claim_check_that_nobody_settles_is_a_dead_letter_after_five_times(stands: Stands) -> None:
    sqs, names = stands.aws.client("sqs"), stands.names
    claims, dead = (sqs.get_queue_url(QueueName=names[one])["QueueUrl"] for one in ("queue", "dead_letters"))
    told = sqs.get_queue_attributes(QueueUrl=claims, AttributeNames=["All"])["Attributes"]
    assert told["SqsManagedSseEnabled"] == "true"
    allowed = stands.state("aws_sqs_queue_redrive_allow_policy.dead_letters")["redrive_allow_policy"]
    assert json.loads(allowed) == {"redrivePermission": "byQueue", "sourceQueueArns": [told["QueueArn"]]}
    sqs.send_message(QueueUrl=claims, MessageBody="{}")
    for _ in range(6):
        got = sqs.receive_message(QueueUrl=claims, VisibilityTimeout=0, WaitTimeSeconds=0).get("Messages", [])
    assert got == []
    assert len(sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=0)["Messages"]) == 1


def test_glue_has_the_tables_of_the_file(stands: Stands) -> None:
    names = stands.names
    text = (
        (AWS / "glue_tables.json").read_text().replace("@ARCHIVE@", f"s3://{names['archive']}/{names['prefix']}/")
    )
    pages = stands.aws.client("glue").get_paginator("get_tables").paginate(DatabaseName=names["database"])
    made = {table["Name"]: table for page in pages for table in page["TableList"]}
    wanted = {table["Name"]: table for table in json.loads(text)}
    assert set(made) == set(wanted)
    for name, table in wanted.items():
        assert _part(made[name], table) == table
    marts = [f"{names['marts']}{one}" for one in ("", "_staging", "_intermediate")]
    databases = {one["Name"] for one in stands.aws.client("glue").get_databases()["DatabaseList"]}
    assert databases >= {names["database"], *marts}


def _part(made: Any, wanted: Any) -> Any:
    """Of what was made, what was asked for."""
    if isinstance(wanted, dict):
        return {name: _part(made.get(name), one) for name, one in wanted.items()}
    if isinstance(wanted, list) and isinstance(made, list) and len(made) == len(wanted):
        return [_part(one, asked) for one, asked in zip(made, wanted, strict=True)]
    return wanted if not made and not wanted else made  # an empty list is none


def test_a_question_of_an_auditor_reads_no_more_than_the_limit(stands: Stands) -> None:
    athena, names = stands.aws.client("athena"), stands.names
    for name, folder, limit in (
        (names["auditors"], "auditors", 107374182400),
        (names["workgroup"], "pipeline", 1073741824000),
    ):
        told = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
        assert told["BytesScannedCutoffPerQuery"] == limit
        assert told["EnforceWorkGroupConfiguration"] is True
        assert told["ResultConfiguration"]["OutputLocation"] == f"s3://{names['results']}/answers/{folder}/"
        assert told["ResultConfiguration"]["EncryptionConfiguration"] == {
            "EncryptionOption": "SSE_KMS",
            "KmsKey": names["key_arn"],
        }


def test_the_trail_is_on_and_has_every_object_of_the_archive(stands: Stands) -> None:
    trail, names = stands.aws.client("cloudtrail"), stands.names
    told = trail.get_trail(Name=names["trail"])["Trail"]
    assert told["S3BucketName"] == names["logs"]
    assert told["LogFileValidationEnabled"] is True
    assert told["IsMultiRegionTrail"] is True
    assert told["KmsKeyId"] == names["key_arn"]
    assert trail.get_trail_status(Name=names["trail"])["IsLogging"] is True
    selectors = trail.get_event_selectors(TrailName=names["trail"])["AdvancedEventSelectors"]
    fields = {one["Name"]: {field["Field"]: field for field in one["FieldSelectors"]} for one in selectors}
    every = fields["Every object of the archive"]
    assert every["resources.ARN"]["StartsWith"] == [f"arn:aws:s3:::{names['archive']}/"]
    assert fields["Everything that is managed"]["eventCategory"]["Equals"] == ["Management"]


def test_access_logs_go_where_s3_writes_them_and_the_trail_where_they_are_locked(stands: Stands) -> None:
    """S3 writes no access logs to a bucket with Object Lock, and with no key but its own."""
    s3 = stands.aws.client("s3")
    for logged in ("audit", "athena"):
        target = s3.get_bucket_logging(Bucket=stands.bucket(logged))["LoggingEnabled"]
        assert target["TargetBucket"] == stands.bucket("access")
        with pytest.raises(ClientError, match="ObjectLockConfigurationNotFound"):
            s3.get_object_lock_configuration(Bucket=target["TargetBucket"])
        rules = s3.get_bucket_encryption(Bucket=target["TargetBucket"])["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    lock = s3.get_object_lock_configuration(Bucket=stands.bucket("logs"))["ObjectLockConfiguration"]
    assert _retention(lock) == ("COMPLIANCE", 365)


def test_an_alarm_reaches_somebody(stands: Stands) -> None:
    """CloudWatch may not use AWS's own key for SNS: a topic under that key stays silent."""
    alarms, sns, name = stands.aws.client("cloudwatch"), stands.aws.client("sns"), stands.name
    told = {one["AlarmName"]: one for one in alarms.describe_alarms(AlarmNamePrefix=f"{name}-")["MetricAlarms"]}
    assert set(told) >= {f"{name}-claims-are-dead", f"{name}-claims-wait", f"{name}-no-commit"}
    topics = {topic for one in told.values() for topic in one["AlarmActions"]}
    assert topics == {f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}-ledgerline-alarms"}
    (topic,) = topics
    key = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
    put = stands.aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert json.loads(put) == policy("alarms_key", stands.names)
    people = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in people] == [("email", "audit@example.com")]
    budgets = stands.aws.client("budgets")
    budget = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=f"{name}-ledgerline")["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "200", "Unit": "USD"}
    notices = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=budget["BudgetName"])
    assert sorted(one["NotificationType"] for one in notices["Notifications"]) == ["ACTUAL", "FORECASTED"]


def test_secrets_have_their_places_and_no_value(stands: Stands) -> None:
    secrets, names = stands.aws.client("secretsmanager"), stands.names
    for one in ("compliance-key", "analytics-key", "directory-key", "signing-key", "destinations", "dagster"):
        told = secrets.describe_secret(SecretId=f"{names['secrets']}/{one}")
        assert told["KmsKeyId"] == names["key_arn"]
        assert not told.get("VersionIdsToStages")


def test_the_function_is_called_on_its_schedules_with_what_it_needs_to_know(with_function: Stands) -> None:
    function = with_function.aws.client("lambda").get_function_configuration(FunctionName="example-ledgerline")
    assert function["PackageType"] == "Image"
    assert function["Timeout"] == 900
    settings = function["Environment"]["Variables"]["LEDGERLINE_CONFIG_TOML"]
    assert parse(settings, Path("ledgerline.toml")).archive.url == f"s3://{with_function.bucket('audit')}/ledger"
    scheduler = with_function.aws.client("scheduler")
    made = [scheduler.get_schedule(Name=one["Name"]) for one in scheduler.list_schedules()["Schedules"]]
    calls = {one["Name"]: (one["ScheduleExpression"], json.loads(one["Target"]["Input"])) for one in made}
    assert calls["example-tail"] == ("rate(5 minutes)", {})
    assert calls["example-spend"] == ("cron(20 * * * ? *)", {"commands": [["pull", "usage"], ["pull", "cost"]]})
    assert len(calls) == 6
    assert {one["Target"]["Arn"] for one in made} == {function["FunctionArn"]}
    iam = with_function.aws.client("iam")
    assert sorted(iam.list_role_policies(RoleName="example-function")["PolicyNames"]) == [
        "forwarder",
        "function_logs",
        "puller",
    ]
    groups = with_function.aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/example")[
        "logGroups"
    ]
    assert [(one["retentionInDays"], one["kmsKeyId"]) for one in groups] == [(365, with_function.names["key_arn"])]


def test_dagster_runs_as_three_services_of_which_one_has_rights_on_the_archive(with_dagster: Stands) -> None:
    ecs, cluster = with_dagster.aws.client("ecs"), "second-ledgerline"
    names = ["code-server", "daemon", "webserver"]
    services = ecs.describe_services(cluster=cluster, services=names)["services"]
    assert sorted(one["serviceName"] for one in services) == names
    with_rights = []
    for one in services:
        task = ecs.describe_task_definition(taskDefinition=one["taskDefinition"])["taskDefinition"]
        (container,) = task["containerDefinitions"]
        assert (container["image"], container["readonlyRootFilesystem"]) == (IMAGE, True)
        assert container["secrets"][0]["name"] == "DAGSTER_POSTGRES_PASSWORD"
        if task.get("taskRoleArn"):
            with_rights.append(one["serviceName"])
            assert "LEDGERLINE_CONFIG_TOML" in [pair["name"] for pair in container["environment"]]
    assert with_rights == ["code-server"]
    iam = with_dagster.aws.client("iam")
    attached = iam.list_attached_role_policies(RoleName="second-starter")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonECSTaskExecutionRolePolicy"]


def test_another_limit_changes_the_workgroups_and_nothing_else(with_function: Stands) -> None:
    with_function.tofu("plan", "-out=another", "-var=scan_limit_bytes=10737418240")
    changes = with_function.folder.shown("another")["resource_changes"]
    changed = {
        one["address"]: one["change"]["actions"] for one in changes if one["change"]["actions"] != ["no-op"]
    }
    assert changed == {
        f'aws_athena_workgroup.work["example-{one}"]': ["update"] for one in ("auditors", "ledgerline")
    }


def test_what_somebody_takes_away_is_seen_by_the_next_plan_and_made_again(with_dagster: Stands) -> None:
    s3, archive = with_dagster.aws.client("s3"), {"Bucket": with_dagster.bucket("audit")}
    s3.delete_bucket_policy(**archive)
    told = with_dagster.tofu("plan")
    assert "aws_s3_bucket_policy.archive will be created" in told
    assert "1 to add, 0 to change, 0 to destroy" in told
    with_dagster.tofu("apply", "-auto-approve")
    assert json.loads(s3.get_bucket_policy(**archive)["Policy"]) == policy("archive_bucket", with_dagster.names)
