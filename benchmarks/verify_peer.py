"""Seven things done to an audit trail, and what two verifiers say: AWS' own for CloudTrail, and ours.

Both trails lie in buckets of one S3 server on loopback, without Object Lock, so that whoever owns the bucket can
do all of it. The peer is `aws cloudtrail validate-logs` of awscli 1.46, installed from PyPI into an environment of
its own; where that cannot be had, the table says so.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.cloudtrail_trail import ARN, BEGIN, END, REGION, Trail, public_keys
from benchmarks.harness import ROOT, Failed, environment
from benchmarks.report import Aim, Table
from benchmarks.verify_build import fill
from warehouse.archive import keys
from warehouse.archive.signing import create_key
from warehouse.archive.store import open_store

PEER = "awscli==1.46.*"
HOURS = 6
_FAKE = {"AWS_ACCESS_KEY_ID": "EXAMPLEKEY", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_DEFAULT_REGION": REGION}
_LONGEST = 300


def measure_peer(*, smoke: bool = False) -> Table:
    """One table: case by case, exit codes; a small run takes three of the seven."""
    cases = CASES[::3] if smoke else CASES
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch, _s3(Path(scratch)) as endpoint:
        peer, why = _peer(Path(scratch))
        table = Table(
            "Verify: seven cases, beside CloudTrail's validator", ["case", "validator", "ours", "our codes"]
        )
        told_apart = 0
        for name, theirs, ours, expected in cases:
            their_code = _theirs(peer, endpoint, theirs) if peer else "could not be had"
            our_code, codes = _ours(Path(scratch), endpoint, ours)
            told_apart += our_code == expected
            table.rows.append((name, their_code, our_code, ", ".join(codes)))
        table.measures = (
            f"Exit codes: 0 says valid, 1 says not. Each trail has {HOURS} hours of its own kind; ours is given a "
            f"checkpoint that was noted before, and is asked two hours after the deed (an object younger than an "
            f"hour may be a run's work in progress). {why}"
        )
        table.aims.append(Aim("Cases that ours tells as it should", told_apart, len(cases), ratio=False))
        return table


# -- the deeds ----------------------------------------------------------------------------------------------


def _edit(client: Any, bucket: str, key: str) -> None:
    data = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.put_object(Bucket=bucket, Key=key, Body=data[:-1] + bytes([data[-1] ^ 1]))


def _edit_log(trail: Trail) -> None:
    _edit(trail.client, trail.bucket, trail.logs[2])


def _last_two(trail: Trail) -> None:
    trail.remove(*trail.digests[-2:], *trail.logs[-2:])


def _forge_log(trail: Trail) -> None:
    trail.client.put_object(Bucket=trail.bucket, Key=trail.logs[2].replace("0000Z", "3000Z"), Body=b"forged")


def _restart(trail: Trail) -> None:
    """Two hours disappear, and the trail goes on as one that knows none before it."""
    trail.remove(*trail.digests[-2:], *trail.logs[-2:])
    trail.add_hour(restart=True)


class OurTrail:
    """An archive in a bucket, with the hands of its owner."""

    def __init__(self, client: Any, bucket: str, folder: Path, endpoint: str) -> None:
        self.client, self.bucket, self.folder = client, bucket, folder
        self.store = open_store(f"s3://{bucket}/a", lock="none", s3_client=client)
        folder.mkdir()
        create_key(folder / "signing.key")
        (folder / "ledgerline.toml").write_text(
            f'[archive]\nurl = "s3://{bucket}/a"\nlock = "none"\ns3_endpoint = "{endpoint}"\n'
            f'signing_key = "file:signing.key"\n'
        )
        self.fill()
        (folder / "noted").write_bytes(self.store.get(keys.checkpoint(self.size)))

    def fill(self) -> None:
        """A day in so many pulls. The clock of its last entry is two hours ahead of now: what is done to the
        bucket is looked at two hours later, when nothing can be a run's work in progress any more."""
        first = datetime.now(UTC) - timedelta(days=1)
        key = self.folder / "signing.key"
        self.size = fill(self.store, key, days=1, per_day=60, commits=HOURS, first=first)

    def names(self, prefix: str) -> list[str]:
        return [info.key for info in self.store.list(prefix)]

    def remove(self, *names: str) -> None:
        for key in names:
            self.client.delete_object(Bucket=self.bucket, Key=f"a/{key}")


def _nothing(_trail: Any) -> None:
    pass


def _edit_page(trail: OurTrail) -> None:
    _edit(trail.client, trail.bucket, f"a/{trail.names('pages/')[2]}")


def _entry_gone(trail: OurTrail) -> None:
    trail.remove(keys.entry(5))


def _cut_off(trail: OurTrail) -> None:
    for seq in range(trail.size - 2, trail.size):
        named = [ref["key"] for ref in json.loads(trail.store.get(keys.entry(seq)))["objects"]]
        trail.remove(*named, keys.entry(seq), keys.checkpoint(seq + 1), keys.tile(0, 0, seq + 1))


def _forge_page(trail: OurTrail) -> None:
    trail.client.put_object(
        Bucket=trail.bucket, Key=f"a/{trail.names('pages/')[2]}".replace("0001-", "0002-"), Body=b"forged"
    )


def _begin_again(trail: OurTrail) -> None:
    trail.remove(*trail.names("log/"))
    trail.fill()


def _log_gone(trail: OurTrail) -> None:
    trail.remove(*trail.names("log/"))


CASES: list[tuple[str, Callable[[Trail], None], Callable[[OurTrail], None], int]] = [
    ("untouched", _nothing, _nothing, 0),
    ("one log file (page) edited", _edit_log, _edit_page, 1),
    ("a middle digest (entry) deleted", lambda t: t.remove(t.digests[3]), _entry_gone, 1),
    ("the last two digests (entries) and what they name deleted", _last_two, _cut_off, 1),
    ("a forged log file (page) added", _forge_log, _forge_page, 1),
    ("the chain restarted", _restart, _begin_again, 1),
    ("all digests (the whole log) deleted", lambda t: t.remove(*t.digests), _log_gone, 1),
]


# -- the verifiers ------------------------------------------------------------------------------------------


def _theirs(peer: Path, endpoint: str, deed: Callable[[Trail], None]) -> int:
    trail = Trail(_client(endpoint), _bucket(endpoint))
    for _ in range(HOURS):
        trail.add_hour()
    deed(trail)
    with public_keys(trail) as address:
        done = subprocess.run(
            [peer, "cloudtrail", "validate-logs", "--trail-arn", ARN, "--s3-bucket", trail.bucket,
             "--region", REGION, "--start-time", BEGIN.isoformat(), "--end-time", END.isoformat(),
             "--endpoint-url", address],
            env={**os.environ, **_FAKE, "AWS_ENDPOINT_URL_S3": endpoint, "AWS_EC2_METADATA_DISABLED": "true"},
            capture_output=True, text=True, timeout=_LONGEST, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1):
        raise Failed(f"aws cloudtrail validate-logs ended with {done.returncode}: {done.stderr[-500:]}")
    return done.returncode


def _ours(scratch: Path, endpoint: str, deed: Callable[[OurTrail], None]) -> tuple[int, list[str]]:
    trail = OurTrail(_client(endpoint), bucket := _bucket(endpoint), scratch / bucket, endpoint)
    deed(trail)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "verify", "--json", "--pinned", trail.folder / "noted",
         "--config", trail.folder / "ledgerline.toml"],
        env=environment(**_FAKE, AWS_EC2_METADATA_DISABLED="true", PYTHONPATH=os.fspath(ROOT)), cwd=trail.folder,
        capture_output=True, text=True, timeout=_LONGEST, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise Failed(f"ledgerline verify ended with {done.returncode}: {done.stderr[-500:]}{done.stdout[-500:]}")
    return done.returncode, sorted({finding["code"] for finding in json.loads(done.stdout)["findings"]})


def _peer(scratch: Path) -> tuple[Path | None, str]:
    """The validator in an environment of its own, and its version; or None and why not."""
    folder = scratch / "peer"
    uv = Path(sys.executable).with_name("uv")
    try:
        subprocess.run([uv, "venv", "-q", folder], check=True, capture_output=True, text=True, timeout=_LONGEST)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", folder / "bin" / "python", PEER],
            check=True, capture_output=True, text=True, timeout=_LONGEST,
        )  # fmt: skip
        told = subprocess.run(
            [folder / "bin" / "aws", "--version"], check=True, capture_output=True, text=True, timeout=_LONGEST
        )
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"The validator could not be installed here ({type(error).__name__}): its column is empty."
    return folder / "bin" / "aws", f"The validator is `aws cloudtrail validate-logs` of {told.stdout.split()[0]}."


# -- the S3 server ------------------------------------------------------------------------------------------


@contextmanager
def _s3(scratch: Path) -> Iterator[str]:
    """moto's S3 server as a process of its own; yields its address."""
    ready = scratch / "s3.address"
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, ready], cwd=ROOT, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise Failed("the S3 server did not start")
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        yield ready.read_text()
    finally:
        process.terminate()
        process.wait()


_SERVER = """
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
with open(sys.argv[1] + ".part", "w") as file:
    file.write(f"http://{host}:{port}")
os.replace(sys.argv[1] + ".part", sys.argv[1])
sys.stdin.read()
"""


def _client(endpoint: str) -> Any:
    import boto3  # noqa: PLC0415 - an extra
    from botocore.config import Config  # noqa: PLC0415

    return boto3.Session().client(
        "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="EXAMPLEKEY",
        aws_secret_access_key="not-a-secret",
        config=Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )  # fmt: skip


_made = iter(range(10**6))


def _bucket(endpoint: str) -> str:
    name = f"trail-{next(_made):04d}"
    _client(endpoint).create_bucket(Bucket=name)
    return name
