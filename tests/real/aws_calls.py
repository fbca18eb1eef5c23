"""Which calls of AWS's API make each type of resource in deploy/aws, and which tells that it stands.

A table of our own, since the AWS provider cannot be had: it says what the provider documents. Every argument
that is set must find its place in a call, or be named under `apart` with the reason.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.real.aws_models import Names, fitted

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call. The first of a row takes every argument that no other of its row takes (`only`).

    `under`: where in its parameters they lie. `names`: what is called otherwise, with a slash where it lies
    outside `under`. `fixed`: what it needs beside them, as texts with {places}.
    """

    operation: str
    only: tuple[str, ...] = ()
    under: str = ""
    names: Names = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, arguments: Arguments, shape: Any) -> dict[str, Any]:
        """What is sent, but for what is fixed. Raises Unfit."""
        outside = {name: to[1:] for name, to in self.names.items() if to.startswith("/")}
        found = fitted({name: arguments[name] for name in outside if name in arguments}, shape, outside)
        place = found
        for step in self.under.split(".") if self.under else ():
            place, shape = place.setdefault(step, {}), shape.members[step]
        place |= fitted({name: one for name, one in arguments.items() if name not in outside}, shape, self.names)
        return found


@dataclass(frozen=True)
class Row:
    """`told`: a computed attribute to where it stands in the answers, or to a text with {places}.

    `there`: the call that fails where the resource is gone, and its parameters. `apart`: arguments that no call
    takes, and why. `shaped`: the arguments in the form that the API has them in, where it is another.
    """

    service: str
    calls: tuple[Call, ...]
    there: tuple[str, Mapping[str, Any]]
    told: Mapping[str, str]
    apart: Mapping[str, str] = field(default_factory=dict)
    shaped: Callable[[Arguments], Arguments] = dict


def _alarm(arguments: Arguments) -> Arguments:
    dimensions = [{"name": name, "value": value} for name, value in arguments.pop("dimensions").items()]
    return {**arguments, "dimensions": dimensions}


def _budget(arguments: Arguments) -> Arguments:
    notices = []
    for notice in arguments.pop("notification"):
        people = [
            {"subscription_type": "EMAIL", "address": one} for one in notice.pop("subscriber_email_addresses")
        ]
        notices.append({"notification": notice, "subscribers": people})
    filters = {one["name"]: one["values"] for one in arguments.pop("cost_filter")}
    return {**arguments, "cost_filters": filters, "notifications": notices}


def _task(arguments: Arguments) -> Arguments:
    return {**arguments, "container_definitions": json.loads(arguments["container_definitions"])}


def _service(arguments: Arguments) -> Arguments:
    network = arguments["network_configuration"]
    network["assign_public_ip"] = "ENABLED" if network.get("assign_public_ip") else "DISABLED"
    return arguments


def _on_bucket(thing: str, there: str, under: str = "", **fixed: Any) -> Row:
    """What is put on a bucket: one structure beside the bucket's name."""
    call = Call(f"put_{thing}", under=under, names={"bucket": "/Bucket"}, fixed=fixed)
    return Row("s3", (call,), (f"get_{there}", {"Bucket": "{bucket}"}), {"id": "{bucket}"})


ROWS: dict[str, Row] = {
    "aws_kms_key": Row(
        "kms",
        (Call("create_key"), Call("enable_key_rotation", fixed={"KeyId": "{key_id}"})),
        ("describe_key", {"KeyId": "{key_id}"}),
        {"arn": "KeyMetadata.Arn", "key_id": "KeyMetadata.KeyId", "id": "KeyMetadata.KeyId"},
        {"enable_key_rotation": "is the second call", "deletion_window_in_days": "is for a deletion"},
    ),
    "aws_kms_alias": Row(
        "kms",
        (Call("create_alias", names={"name": "AliasName", "target_key_id": "TargetKeyId"}),),
        ("describe_key", {"KeyId": "{name}"}),
        {"id": "{name}"},
    ),
    "aws_s3_bucket": Row(
        "s3",
        (
            Call(
                "create_bucket",
                names={"object_lock_enabled": "ObjectLockEnabledForBucket"},
                fixed={"CreateBucketConfiguration": {"LocationConstraint": "{region}"}},
            ),
        ),
        ("head_bucket", {"Bucket": "{bucket}"}),
        {"id": "{bucket}", "arn": "arn:aws:s3:::{bucket}"},
    ),
    "aws_s3_bucket_versioning": _on_bucket("bucket_versioning", "bucket_versioning"),
    "aws_s3_bucket_object_lock_configuration": _on_bucket(
        "object_lock_configuration",
        "object_lock_configuration",
        "ObjectLockConfiguration",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
    ),
    "aws_s3_bucket_server_side_encryption_configuration": _on_bucket(
        "bucket_encryption", "bucket_encryption", "ServerSideEncryptionConfiguration"
    ),
    "aws_s3_bucket_public_access_block": _on_bucket(
        "public_access_block", "public_access_block", "PublicAccessBlockConfiguration"
    ),
    "aws_s3_bucket_ownership_controls": _on_bucket(
        "bucket_ownership_controls", "bucket_ownership_controls", "OwnershipControls"
    ),
    "aws_s3_bucket_policy": _on_bucket("bucket_policy", "bucket_policy"),
    "aws_s3_bucket_lifecycle_configuration": _on_bucket(
        "bucket_lifecycle_configuration", "bucket_lifecycle_configuration", "LifecycleConfiguration"
    ),
    "aws_s3_bucket_logging": _on_bucket("bucket_logging", "bucket_logging", "BucketLoggingStatus.LoggingEnabled"),
    "aws_s3_bucket_replication_configuration": _on_bucket(
        "bucket_replication", "bucket_replication", "ReplicationConfiguration"
    ),
    "aws_glue_catalog_database": Row(
        "glue",
        (Call("create_database", under="DatabaseInput"),),
        ("get_database", {"Name": "{name}"}),
        {"id": "{account}:{name}"},
    ),
    "aws_glue_catalog_table": Row(
        "glue",
        (Call("create_table", under="TableInput", names={"database_name": "/DatabaseName"}),),
        ("get_table", {"DatabaseName": "{database_name}", "Name": "{name}"}),
        {"id": "{account}:{database_name}:{name}"},
    ),
    "aws_athena_workgroup": Row(
        "athena",
        (
            Call(
                "create_work_group",
                names={
                    "configuration.result_configuration.encryption_configuration.kms_key_arn": "KmsKey",
                },
            ),
        ),
        ("get_work_group", {"WorkGroup": "{name}"}),
        {"id": "{name}"},
    ),
    "aws_sqs_queue": Row(
        "sqs",
        (
            Call(
                "create_queue",
                names={
                    "name": "QueueName",
                    "visibility_timeout_seconds": "Attributes.VisibilityTimeout",
                    "message_retention_seconds": "Attributes.MessageRetentionPeriod",
                    "receive_wait_time_seconds": "Attributes.ReceiveMessageWaitTimeSeconds",
                    "sqs_managed_sse_enabled": "Attributes.SqsManagedSseEnabled",
                    "redrive_policy": "Attributes.RedrivePolicy",
                },
            ),
        ),
        ("get_queue_attributes", {"QueueUrl": "{url}"}),
        {"url": "QueueUrl", "id": "QueueUrl", "arn": "arn:aws:sqs:{region}:{account}:{name}"},
    ),
    "aws_sqs_queue_policy": Row(
        "sqs",
        (Call("set_queue_attributes", names={"policy": "Attributes.Policy"}),),
        ("get_queue_attributes", {"QueueUrl": "{queue_url}"}),
        {"id": "{queue_url}"},
    ),
    "aws_sqs_queue_redrive_allow_policy": Row(
        "sqs",
        (Call("set_queue_attributes", names={"redrive_allow_policy": "Attributes.RedriveAllowPolicy"}),),
        ("get_queue_attributes", {"QueueUrl": "{queue_url}"}),
        {"id": "{queue_url}"},
    ),
    "aws_sns_topic": Row(
        "sns",
        (Call("create_topic", names={"kms_master_key_id": "Attributes.KmsMasterKeyId"}),),
        ("get_topic_attributes", {"TopicArn": "{arn}"}),
        {"id": "TopicArn", "arn": "TopicArn"},
    ),
    "aws_sns_topic_subscription": Row(
        "sns",
        (Call("subscribe", fixed={"ReturnSubscriptionArn": True}),),
        ("get_subscription_attributes", {"SubscriptionArn": "{arn}"}),
        {"id": "SubscriptionArn", "arn": "SubscriptionArn"},
    ),
    "aws_cloudwatch_metric_alarm": Row(
        "cloudwatch",
        (Call("put_metric_alarm"),),
        ("describe_alarms", {"AlarmNames": ["{alarm_name}"]}),
        {"id": "{alarm_name}", "arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{alarm_name}"},
        shaped=_alarm,
    ),
    "aws_budgets_budget": Row(
        "budgets",
        (
            Call(
                "create_budget",
                under="Budget",
                names={
                    "name": "BudgetName",
                    "limit_amount": "BudgetLimit.Amount",
                    "limit_unit": "BudgetLimit.Unit",
                    "notifications": "/NotificationsWithSubscribers",
                },
                fixed={"AccountId": "{account}"},
            ),
        ),
        ("describe_budget", {"AccountId": "{account}", "BudgetName": "{name}"}),
        {"id": "{account}:{name}"},
        shaped=_budget,
    ),
    "aws_iam_role": Row(
        "iam",
        (Call("create_role", names={"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"}),),
        ("get_role", {"RoleName": "{name}"}),
        {"id": "{name}", "arn": "Role.Arn", "unique_id": "Role.RoleId"},
    ),
    "aws_iam_role_policy": Row(
        "iam",
        (Call("put_role_policy", names={"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"}),),
        ("get_role_policy", {"RoleName": "{role}", "PolicyName": "{name}"}),
        {"id": "{role}:{name}"},
    ),
    "aws_iam_role_policy_attachment": Row(
        "iam",
        (Call("attach_role_policy", names={"role": "RoleName"}),),
        ("list_attached_role_policies", {"RoleName": "{role}"}),
        {"id": "{role}/{policy_arn}"},
    ),
    "aws_secretsmanager_secret": Row(
        "secretsmanager",
        (Call("create_secret"),),
        ("describe_secret", {"SecretId": "{arn}"}),
        {"id": "ARN", "arn": "ARN"},
        {"recovery_window_in_days": "is for a deletion"},
    ),
    "aws_cloudtrail": Row(
        "cloudtrail",
        (
            Call("create_trail"),
            Call("put_event_selectors", ("advanced_event_selector",), fixed={"TrailName": "{name}"}),
            Call("start_logging", fixed={"Name": "{name}"}),
        ),
        ("get_trail", {"Name": "{name}"}),
        {"id": "TrailARN", "arn": "TrailARN"},
    ),
    "aws_cloudwatch_log_group": Row(
        "logs",
        (
            Call("create_log_group", names={"name": "logGroupName"}),
            Call("put_retention_policy", ("retention_in_days",), fixed={"logGroupName": "{name}"}),
        ),
        ("describe_log_groups", {"logGroupNamePrefix": "{name}"}),
        {"id": "{name}", "arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    ),
    "aws_lambda_function": Row(
        "lambda",
        (
            Call("create_function", names={"image_uri": "Code.ImageUri"}),
            Call(
                "put_function_concurrency",
                ("reserved_concurrent_executions",),
                fixed={"FunctionName": "{function_name}"},
            ),
        ),
        ("get_function_configuration", {"FunctionName": "{function_name}"}),
        {"id": "{function_name}", "arn": "FunctionArn"},
    ),
    "aws_scheduler_schedule": Row(
        "scheduler",
        (Call("create_schedule"),),
        ("get_schedule", {"Name": "{name}"}),
        {"id": "default/{name}", "arn": "ScheduleArn"},
    ),
    "aws_ecs_cluster": Row(
        "ecs",
        (Call("create_cluster", names={"name": "clusterName"}),),
        ("describe_clusters", {"clusters": ["{name}"]}),
        {"id": "cluster.clusterArn", "arn": "cluster.clusterArn"},
    ),
    "aws_ecs_task_definition": Row(
        "ecs",
        (Call("register_task_definition"),),
        ("describe_task_definition", {"taskDefinition": "{arn}"}),
        {"id": "{family}", "arn": "taskDefinition.taskDefinitionArn"},
        shaped=_task,
    ),
    "aws_ecs_service": Row(
        "ecs",
        (
            Call(
                "create_service",
                names={
                    "name": "serviceName",
                    "deployment_minimum_healthy_percent": "deploymentConfiguration.minimumHealthyPercent",
                    "deployment_maximum_percent": "deploymentConfiguration.maximumPercent",
                    "network_configuration.subnets": "awsvpcConfiguration.subnets",
                    "network_configuration.security_groups": "awsvpcConfiguration.securityGroups",
                    "network_configuration.assign_public_ip": "awsvpcConfiguration.assignPublicIp",
                },
            ),
        ),
        ("describe_services", {"cluster": "{cluster}", "services": ["{name}"]}),
        {"id": "service.serviceArn", "arn": "service.serviceArn"},
        shaped=_service,
    ),
    "aws_service_discovery_http_namespace": Row(
        "servicediscovery",
        (Call("create_http_namespace"), Call("list_namespaces")),
        ("get_namespace", {"Id": "{id}"}),
        {"id": "Namespaces.0.Id", "arn": "Namespaces.0.Arn"},
    ),
}
