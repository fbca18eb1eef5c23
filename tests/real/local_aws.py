"""AWS on loopback for deploy/aws: moto's server, two accounts, and a provider through which OpenTofu works."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from sandbox.servers.programs import begin, free_port, stop, wait_for
from tests.deploy.iam import NAMES
from tests.real import tofu
from tests.real.aws_provider import Provider
from tests.real.plugin_protocol import reattached, serve
from tests.real.terraform import AWS

ACCOUNT, WITNESS = "111122223333", "444455556666"
REGION, WITNESS_REGION = "eu-central-1", "eu-west-1"
WITNESS_ROLE = f"arn:aws:iam::{WITNESS}:role/makes-the-bucket"
AUDITORS = f"arn:aws:iam::{ACCOUNT}:role/people"
_START_SECONDS = 60


@dataclass(frozen=True)
class LocalAws:
    """Where it listens; `environment` is what a program of the first account needs to reach it."""

    endpoint: str
    environment: Mapping[str, str]
    session: Any
    witness: Any

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint)

    def folder(self, path: Path) -> tofu.Folder:
        """deploy/aws, copied and initialised."""
        copied = tofu.Folder.copied(AWS, path, self.environment)
        copied.run("init", "-no-color")
        return copied


@contextmanager
def local_aws(folder: Path) -> Iterator[LocalAws]:
    """Both servers, until the block ends. Skips the test where OpenTofu was not built yet."""
    tofu.kept()
    port, log = free_port(), folder / "moto.log"
    with_policies = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}  # AWS's own, as in every account
    server = begin(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], log, env=with_policies
    )
    try:
        wait_for(port, server, log, _START_SECONDS)
        endpoint = f"http://127.0.0.1:{port}"
        session, witness = _of(ACCOUNT, REGION, endpoint), _of(WITNESS, WITNESS_REGION, endpoint)
        provider, provider_port = serve(Provider(endpoint, session))
        try:
            yield LocalAws(endpoint, reattached("hashicorp/aws", provider_port), session, witness)
        finally:
            provider.stop(grace=None)
    finally:
        stop(server)


def _of(account: str, region: str, endpoint: str) -> boto3.Session:
    """Somebody of an account: moto gives whoever takes on a role the account of the role."""
    anybody = boto3.client(
        "sts",
        region,
        endpoint_url=endpoint,
        aws_access_key_id="EXAMPLEKEY",
        aws_secret_access_key="not-a-real-secret",
    )
    role = f"arn:aws:iam::{account}:role/administrator"
    taken = anybody.assume_role(RoleArn=role, RoleSessionName="example")["Credentials"]
    return boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region)


@dataclass(frozen=True)
class Stands:
    """deploy/aws as it was applied, with its variables, and the first account."""

    aws: LocalAws
    folder: tofu.Folder
    name: str
    variables: tuple[str, ...]

    def bucket(self, of: str) -> str:
        return f"{self.name}-claude-{of}-{ACCOUNT}"

    @property
    def names(self) -> dict[str, str]:
        """What the policies are filled in with: the names of this installation, and the ids that AWS gave."""
        key = self.aws.client("kms").describe_key(KeyId=f"alias/{self.name}-claude-audit")["KeyMetadata"]["Arn"]
        replication = self.aws.client("s3").get_bucket_replication(Bucket=self.bucket("audit"))
        rule = replication["ReplicationConfiguration"]["Rules"][0]
        ours = {one: text.replace("example", self.name) for one, text in NAMES.items()}
        return ours | {
            "archive": self.bucket("audit"),
            "results": self.bucket("athena"),
            "logs": self.bucket("logs"),
            "access_logs": self.bucket("access"),
            "checkpoints": self.bucket("checkpoints"),
            "key_arn": key,
            "checkpoints_key": rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"],
        }

    def state(self, address: str) -> Any:
        """What was sent, for what moto takes and does not tell again."""
        every = self.folder.shown()["values"]["root_module"]["resources"]
        return next(one["values"] for one in every if one["address"] == address)

    def tofu(self, command: str, *more: str, succeeds: bool = True) -> str:
        return self.folder.run(command, "-no-color", "-input=false", *self.variables, *more, succeeds=succeeds)


def _variables(**values: object) -> tuple[str, ...]:
    return tuple(
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    )


def applied(aws: LocalAws, path: Path, name: str, more: Mapping[str, object]) -> Stands:
    """Apply deploy/aws under a name and with some variables more."""
    asked = {
        "witness_role_arn": WITNESS_ROLE,
        "alarm_email": "audit@example.com",
        "auditor_principals": [AUDITORS],
    }
    variables = _variables(name=name, **asked, **more)
    stands = Stands(aws, aws.folder(path / "aws"), name, variables)
    stands.tofu("apply", "-auto-approve")
    return stands
