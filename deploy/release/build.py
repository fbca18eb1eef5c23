"""Wheel and source archive into dist/, the same bytes whoever builds them, and their SHA-256.

Promise: two builds of one commit are equal byte for byte: every time in them is that of the commit (or
SOURCE_DATE_EPOCH), every name is sorted, no user, group or umask of this machine is in them.
Standard library, git and uv only. `make build` runs it.
"""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(out: Path, uv: str) -> None:
    """Build into `out`; what an earlier build left there goes."""
    at = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": at, "PYTHONHASHSEED": "0", "TZ": "UTC"}
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
        old.unlink()
    os.umask(0o022)
    # what an earlier build left would be packed again
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    _run([uv, "build", "--quiet", "--sdist", "--out-dir", str(out), str(ROOT)], environment)
    (source,) = out.glob("*.tar.gz")
    source.write_bytes(normal(source.read_bytes(), int(at)))
    # from the source archive and not from the checkout: what is built is what is published
    _run([uv, "build", "--quiet", "--wheel", "--out-dir", str(out), str(source)], environment)
    (out / ".gitignore").unlink(missing_ok=True)
    made = sorted(path for path in out.iterdir() if path.name.endswith((".whl", ".tar.gz")))
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (out / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, end="")


def normal(archive: bytes, at: int) -> bytes:
    """A tar.gz with the same files, sorted, all dated `at`, owned by nobody, readable by all."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as given,
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=at, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for member in sorted(given.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = at, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            made.addfile(member, given.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, check=True, env=environment)  # noqa: S603 - our own words


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist", sys.argv[2] if len(sys.argv) > 2 else "uv")
