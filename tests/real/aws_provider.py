"""A provider for OpenTofu that has the AWS provider's schema and makes resources by calls of AWS's API.

It stands in for HashiCorp's, which is no package of a registry. OpenTofu evaluates, plans, orders and keeps the
state as ever; which calls are made of it is ours (`aws_calls.py`), and the checks of the provider's own code lack.
It changes and deletes nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.real.aws_calls import ROWS, Arguments, Row
from tests.real.aws_models import Unfit
from tests.real.aws_schema import Block, schema
from tests.real.plugin_protocol import UNKNOWN, diagnostic, messages, packed, unpacked

_DATA = ("aws_caller_identity", "aws_iam_policy_document", "aws_partition")
_NESTING = {"struct": 1, "list": 2, "set": 3}
# what every resource has, and no call of its own takes
_OF_ALL = ("id", "region", "tags", "tags_all", "timeouts")


class Account:
    """Where one configuration of the provider works: a region, credentials, the tags of everything it makes."""

    def __init__(self, config: Mapping[str, Any], endpoint: str, session: boto3.Session) -> None:
        self.region = str(config["region"])
        self.tags = dict((config["default_tags"] or [{"tags": {}}])[0]["tags"])
        self._endpoint, self._session = endpoint, session
        for role in config["assume_role"]:
            taken = self.client("sts").assume_role(RoleArn=role["role_arn"], RoleSessionName="tofu")["Credentials"]
            self._session = boto3.Session(
                taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=self.region
            )
        self.number: str = self.client("sts").get_caller_identity()["Account"]
        self.partition: str = self._session.get_partition_for_region(self.region)

    def client(self, service: Any) -> Any:  # the stubs know each service by name
        return self._session.client(service, self.region, endpoint_url=self._endpoint)

    def make(self, row: Row, arguments: Arguments) -> dict[str, str]:
        """What the row's calls tell. Raises Unfit and what boto3 raises."""
        client = self.client(row.service)
        places = {**arguments, "account": self.number, "region": self.region}
        given = row.shaped({name: one for name, one in arguments.items() if name not in row.apart})
        taken = {name for call in row.calls for name in call.only}
        told: dict[str, str] = {}
        for call in row.calls:
            names = call.only if call is not row.calls[0] else [name for name in given if name not in taken]
            mine = {name: given[name] for name in names if name in given}
            if call.only and not mine:
                continue
            shape = client.meta.service_model.operation_model(
                client.meta.method_to_api_mapping[call.operation]
            ).input_shape
            answer = getattr(client, call.operation)(
                **_merged(call.parameters(mine, shape), _filled(call.fixed, {**places, **told}))
            )
            for name, where in row.told.items():
                if "{" in where:
                    told[name] = where.format(**places, **told)
                elif (found := _at(answer, where)) is not None:
                    told[name] = found
        return told

    def has(self, row: Row, state: Mapping[str, Any]) -> bool:
        operation, parameters = row.there
        client = self.client(row.service)
        try:
            getattr(client, operation)(**_filled(parameters, {**state, "account": self.number}))
        except ClientError:
            return False
        return True


class Provider:
    """The protocol's calls. `accounts` are kept by connection, since OpenTofu has one for each configuration."""

    def __init__(self, endpoint: str, session: boto3.Session) -> None:
        self._endpoint, self._session = endpoint, session
        self._accounts: dict[str, Account] = {}

    def GetProviderSchema(self, _request: Any, _peer: str) -> dict[str, Any]:
        return {
            "provider": _schema("provider", "aws"),
            "resource_schemas": {name: _schema("resource", name) for name in ROWS},
            "data_source_schemas": {name: _schema("data", name) for name in _DATA},
        }

    def ValidateProviderConfig(self, _request: Any, _peer: str) -> dict[str, Any]:
        return {}

    ValidateResourceConfig = ValidateDataResourceConfig = StopProvider = ValidateProviderConfig

    def ConfigureProvider(self, request: Any, peer: str) -> dict[str, Any]:
        try:
            self._accounts[peer] = Account(unpacked(request.config), self._endpoint, self._session)
        except (BotoCoreError, ClientError) as error:
            return {"diagnostics": [diagnostic(str(error))]}
        return {}

    def UpgradeResourceState(self, request: Any, _peer: str) -> dict[str, Any]:
        return {"upgraded_state": packed(json.loads(request.raw_state.json))}

    def ReadDataSource(self, request: Any, peer: str) -> dict[str, Any]:
        account, config = self._accounts[peer], unpacked(request.config)
        if request.type_name == "aws_caller_identity":
            identity = account.client("sts").get_caller_identity()
            config |= {"account_id": account.number, "id": account.number, "arn": identity["Arn"]}
        elif request.type_name == "aws_partition":
            config |= {"partition": account.partition, "id": account.partition}
        else:
            config |= {"json": _document(config), "id": "1"}
        return {"state": packed(config)}

    def ReadResource(self, request: Any, peer: str) -> dict[str, Any]:
        """What is in the state, or nothing where AWS no longer has it."""
        state = unpacked(request.current_state)
        there = self._accounts[peer].has(ROWS[request.type_name], state)
        return {"new_state": packed(state if there else None)}

    def PlanResourceChange(self, request: Any, peer: str) -> dict[str, Any]:
        proposed, prior = unpacked(request.proposed_new_state), unpacked(request.prior_state)
        if proposed is not None:
            account = self._accounts[peer]
            attributes = schema("resource", request.type_name).attributes
            if "tags_all" in attributes:
                proposed["tags_all"] = {**account.tags, **(proposed["tags"] or {})}
            if "region" in attributes and proposed["region"] is None:
                proposed["region"] = account.region
            if prior is None:
                computed = [name for name, one in attributes.items() if one.computed and proposed[name] is None]
                proposed |= dict.fromkeys(computed, UNKNOWN)
        return {"planned_state": packed(proposed), "legacy_type_system": True}

    def ApplyResourceChange(self, request: Any, peer: str) -> dict[str, Any]:
        planned, prior = unpacked(request.planned_state), unpacked(request.prior_state)
        if planned is None or prior is not None:
            return {
                "new_state": packed(prior),
                "diagnostics": [diagnostic(f"{request.type_name} would be changed or deleted: not done here")],
            }
        row, block = ROWS[request.type_name], schema("resource", request.type_name)
        arguments = {name: one for name, one in _given(planned, block).items() if name not in _OF_ALL}
        try:
            told = self._accounts[peer].make(row, arguments)
        except (Unfit, BotoCoreError, ClientError) as error:
            return {"new_state": packed(None), "diagnostics": [diagnostic(f"{request.type_name}: {error}")]}
        known = {name: None if one is UNKNOWN else one for name, one in planned.items()}
        return {"new_state": packed({**known, **told}), "legacy_type_system": True}


def _schema(kind: str, name: str) -> Any:
    return messages["Schema"](version=0, block=_block(schema(kind, name)))


def _block(block: Block) -> Any:
    attributes = [
        messages["Attribute"](
            name=one.name,
            type=json.dumps(one.type).encode(),
            required=one.required,
            optional=one.optional,
            computed=one.computed,
        )
        for one in block.attributes.values()
    ]
    nested = [
        messages["Nested"](
            type_name=one.name,
            block=_block(one.block),
            nesting=_NESTING[one.nesting],
            min_items=int(one.required and one.nesting != "struct"),
            max_items=int(one.single and one.nesting != "struct"),
        )
        for one in block.blocks.values()
    ]
    return messages["Block"](version=0, attributes=attributes, block_types=nested)


def _given(values: Mapping[str, Any], block: Block) -> Arguments:
    """The arguments that are set; a block of which there is one at most stands for itself."""
    found: Arguments = {name: values[name] for name in block.attributes if values[name] not in (None, UNKNOWN)}
    for name, nested in block.blocks.items():
        each = [values[name]] if isinstance(values[name], dict) else values[name] or []
        inner = [_given(one, nested.block) for one in each]
        if inner:
            found[name] = inner[0] if nested.single else inner
    return found


def _document(config: Mapping[str, Any]) -> str:
    """The policy that `aws_iam_policy_document` writes of its statements."""
    statements = []
    for one in config["statement"]:
        statement: dict[str, Any] = {"Effect": one["effect"] or "Allow", "Action": one["actions"]}
        statement["Principal"] = {who["type"]: who["identifiers"] for who in one["principals"]}
        statement["Condition"] = {term["test"]: {term["variable"]: term["values"]} for term in one["condition"]}
        statements.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _filled(value: Any, places: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(one, places) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, places) for one in value]
    return value.format(**places) if isinstance(value, str) else value


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _merged(one[name], other[name]) for name in one if isinstance(one[name], dict) and name in other}
    return {**other, **one, **both}


def _at(answer: Any, where: str) -> str | None:
    for step in where.split("."):
        if isinstance(answer, list):
            answer = answer[int(step)]
        elif step in answer:
            answer = answer[step]
        else:
            return None
    return str(answer)
