"""AWS's rules for deciding on a request, as its documentation states them, over policies as they are deployed.

An explicit deny, in the role's policy or the resource's, wins; else an allow must be found in the role's policy;
else the request is denied. Conditions of one block must all hold, the values of one key are alternatives; a key
that the request does not have fails a condition, but for `...IfExists`, `Null` and the negated operators.
An operator that is not known here is an error, never a guess.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).parents[2] / "deploy" / "aws" / "policies"
NAMES = {
    "partition": "aws",
    "account": "111122223333",
    "witness": "444455556666",
    "region": "eu-central-1",
    "witness_region": "eu-west-1",
    "archive": "example-claude-audit",
    "prefix": "ledger",
    "results": "example-claude-athena",
    "logs": "example-claude-logs",
    "access_logs": "example-claude-access",
    "checkpoints": "example-claude-checkpoints",
    "trail": "example-claude-audit",
    "key_arn": "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000001",
    "checkpoints_key": "arn:aws:kms:eu-west-1:444455556666:key/00000000-0000-4000-8000-000000000002",
    "copier": "arn:aws:iam::111122223333:role/example-checkpoint-copier",
    "queue": "example-claims",
    "dead_letters": "example-claims-dead-letters",
    "secrets": "example/claude",
    "workgroup": "example-ledgerline",
    "auditors": "example-auditors",
    "database": "example_archive",
    "marts": "example_marts",
    "break_glass": "example-break-glass",
    "log_group": "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/example-ledgerline",
    "least": "2554",
    "least_recent": "29",
}


def policy(name: str, names: Mapping[str, str] = NAMES) -> dict[str, Any]:
    """A policy of the folder with its places filled in, as Terraform's `templatefile` does it."""
    text = (POLICIES / f"{name}.json").read_text()
    filled = re.sub(r"\$\{(\w+)\}", lambda found: names[found[1]], text)
    document: dict[str, Any] = json.loads(filled)
    return document


@dataclass(frozen=True)
class Request:
    """Who (a role's name) wants to do what to which ARN, and what else AWS would know of it."""

    role: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def known(self) -> dict[str, str]:
        account = NAMES["account"]
        return {
            "aws:SecureTransport": "true",
            "aws:PrincipalAccount": account,
            "aws:PrincipalArn": f"arn:aws:iam::{account}:role/{self.role}",
            "aws:PrincipalIsAWSService": "false",
            **self.context,
        }


def decide(request: Request, identity: Sequence[dict[str, Any]], resource: Sequence[dict[str, Any]] = ()) -> str:
    """`allowed`, `denied by <Sid>`, or `not allowed`."""
    allowed = False
    for document, of_role in [*((one, True) for one in identity), *((one, False) for one in resource)]:
        for statement in document["Statement"]:
            if not _matches(statement, request):
                continue
            if statement["Effect"] == "Deny":
                return f"denied by {statement['Sid']}"
            allowed = allowed or of_role
    return "allowed" if allowed else "not allowed"


def _matches(statement: Mapping[str, Any], request: Request) -> bool:
    if statement.get("Principal", "*") not in ("*", {"AWS": "*"}) and statement["Effect"] == "Allow":
        return False  # a resource's allow to somebody else; own roles are allowed by their own policies
    action = request.action.lower()
    if "Action" in statement and not any(_like(action, one.lower()) for one in _list(statement["Action"])):
        return False
    if "NotAction" in statement and any(_like(action, one.lower()) for one in _list(statement["NotAction"])):
        return False
    if "Resource" in statement and not any(_like(request.resource, one) for one in _list(statement["Resource"])):
        return False
    if "NotResource" in statement and any(_like(request.resource, one) for one in _list(statement["NotResource"])):
        return False
    known = request.known()
    return all(
        _holds(operator, key, [str(one) for one in _list(values)], known)
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _holds(operator: str, key: str, values: Sequence[str], known: Mapping[str, str]) -> bool:
    name = operator.removesuffix("IfExists")
    found = known.get(key)
    if name == "Null":
        return (found is None) == (values == ["true"])
    negated = name.startswith(("StringNot", "ArnNot", "NumericNot"))
    if found is None:
        return negated or operator.endswith("IfExists")
    if name == "NumericLessThan":
        return any(float(found) < float(value) for value in values)
    if name not in _OPERATORS:
        raise ValueError(f"the operator {operator} is not known to this evaluator")
    met = any(_OPERATORS[name](found, value) for value in values)
    return met != negated


def _like(text: str, pattern: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    expression = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, text, re.S) is not None


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, value: found == value,
    "StringNotEquals": lambda found, value: found == value,
    "StringLike": _like,
    "StringNotLike": _like,
    "ArnLike": _like,
    "ArnNotLike": _like,
    "Bool": lambda found, value: found.lower() == value.lower(),
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
