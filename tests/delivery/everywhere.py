"""Every type of destination, each with a receiver, as one configuration: the sandbox's intakes, and moto's S3.

What is secret stands in the environment; `secrets` names each of them, in every form in which it goes out.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.intakes import ServedIntakes, serve_intakes
from tests.warehouse.archive.s3_server import SECRET, moto_endpoint, new_bucket
from tests.warehouse.delivery.destinations.rig import SECRETS
from warehouse.config.destinations import TYPES

EXTERNAL_ID = "a-fake-external-id-of-the-lake"
CLOUD = ("security_lake", "snowflake")


@dataclass(frozen=True)
class Everywhere:
    """served: the intakes. tables: `[[destinations]]` by type. env: what they refer to, and the AWS credentials.
    secrets: by type, texts that must stand nowhere.
    """

    served: ServedIntakes
    bucket: str
    tables: dict[str, str]
    env: dict[str, str]
    secrets: dict[str, list[str]]

    def toml(self, *types: str) -> str:
        return "\n".join(table for type, table in self.tables.items() if not types or type in types)


@contextmanager
def everywhere(slice: str = "all", **settings: Any) -> Iterator[Everywhere]:
    """All of them, named by their types with "-" for "_". settings: of the intakes (`clock=...`)."""
    with serve_intakes(**settings) as served:
        bucket = new_bucket(lock=False)
        given: dict[str, dict[str, Any]] = {type: dict(found) for type, found in served.settings.items()}
        given["webhook"]["body"] = "ndjson"
        given["security_lake"] = {
            "url": f"s3://{bucket}/ext/CLAUDE",
            "region": "us-east-1",
            "account_id": "123456789012",
            "role_arn": "arn:aws:iam::123456789012:role/claude-lake",
            "external_id": EXTERNAL_ID,
            "s3_endpoint": moto_endpoint(),
        }
        given["snowflake"] = {"url": f"s3://{bucket}/stage", "s3_endpoint": moto_endpoint()}
        env = {
            "AWS_ACCESS_KEY_ID": "EXAMPLEKEY",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": moto_endpoint(),
        }
        secrets: dict[str, list[str]] = {type: [SECRET] for type in CLOUD}
        tables = {}
        for type in TYPES:
            tables[type], found = _table(type, given[type], slice, env)
            secrets.setdefault(type, []).extend(found)
        yield Everywhere(served, bucket, tables, env, secrets)


def _table(type: str, given: dict[str, Any], slice: str, env: dict[str, str]) -> tuple[str, list[str]]:
    """The table of one destination; puts its secrets into `env` and returns their texts beside it."""
    secret = {*SECRETS.get(type, ()), "external_id"}
    lines = ["[[destinations]]", f'name = "{type.replace("_", "-")}"', f'type = "{type}"', f'slice = "{slice}"']
    texts = []
    for name, value in given.items():
        if name == "ack_token":
            continue
        if name in secret:
            variable = f"FAKE_{type}_{name}".upper()
            env[variable] = value
            texts += _forms(type, name, value, given)
            lines.append(f'{name} = "env:{variable}"')
        elif name == "headers":
            env[f"FAKE_{type}_HEADER".upper()] = value["Authorization"]
            texts.append(value["Authorization"].removeprefix("Bearer "))
            lines.append(f'headers = {{Authorization = "env:FAKE_{type.upper()}_HEADER"}}')
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n", texts


def _forms(type: str, name: str, value: str, given: dict[str, Any]) -> list[str]:
    """A secret as it is and as it stands in a header; of a key file its key, of an address its secret part."""
    if type == "secops":
        key = json.loads(value)["private_key"]
        return [line for line in key.splitlines() if not line.startswith("-----")]
    if type == "sumo":
        return [value.rpartition("/")[2]]
    if type == "logstash":
        return [value, base64.b64encode(f"{given['username']}:{value}".encode()).decode()]
    return [value]
