"""Wheel and source archive: built twice they are the same bytes, and what is installed works elsewhere."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UV = str(BIN / "uv")
# what a shell of somebody else has: nothing of this checkout
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if name in ("HOME", "PATH", "LANG", "TMPDIR") or "UV_" in name
}

pytestmark = pytest.mark.slow


def build(checkout: Path, out: Path, **environment: str) -> dict[str, bytes]:
    command = [sys.executable, str(checkout / "deploy" / "release" / "build.py"), str(out), UV]
    subprocess.run(command, check=True, cwd=out.parent, env={**os.environ, **environment}, capture_output=True)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the last commit, in a folder of another name."""
    folder = tmp_path_factory.mktemp("clone") / "somewhere else"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "dist"
    build(checkout, out)
    return out


def test_two_builds_in_two_places_are_the_same_bytes(
    built: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(checkout), str(other)], check=True)
    for path in other.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            os.utime(path, (1_000_000_000, 1_000_000_000))
    again = build(other, other.parent / "dist", TZ="Asia/Tokyo", LC_ALL="C")
    assert again == {path.name: path.read_bytes() for path in sorted(built.iterdir())}
    assert len(again) == 3


def test_the_version_comes_from_the_tag(checkout: Path, tmp_path: Path) -> None:
    """And a clone that has none, as the one above, builds all the same."""
    tagged = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(checkout), str(tagged)], check=True)
    subprocess.run(["git", "-C", str(tagged), "tag", "v7.8.9"], check=True)
    assert "ledgerline-7.8.9-py3-none-any.whl" in build(tagged, tmp_path / "dist")


def test_a_copy_without_git_builds_under_the_version_that_it_is_given(checkout: Path, tmp_path: Path) -> None:
    """As an image is built: some folders, no history."""
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(checkout), str(copy)], check=True)
    (copy / ".git").rename(tmp_path / "gone")
    for given, wheel in (
        ({}, "ledgerline-0.1.dev0"),
        ({"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_LEDGERLINE": "3.2.1"}, "ledgerline-3.2.1"),
    ):
        subprocess.run(
            [UV, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), str(copy)],
            check=True, env={**os.environ, **given},
        )  # fmt: skip
        assert any(path.name.startswith(f"{wheel}-") for path in (tmp_path / "dist").glob("*.whl"))


def test_nothing_of_this_machine_and_nothing_that_was_left_lying_is_in_them(built: Path) -> None:
    (source,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(source) as packed:
        members = packed.getmembers()
        assert {(one.uid, one.gid, one.uname, one.gname) for one in members} == {(0, 0, "", "")}
        inside = {one.name.partition("/")[2] for one in members if one.isfile()}
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    made = {name for name in inside if not name.startswith("ledgerline.egg-info/")} - {"PKG-INFO", "setup.cfg"}
    assert made <= set(listed)
    with zipfile.ZipFile(wheel) as packed_wheel:
        names = packed_wheel.namelist()
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "deploy/", "docs/"))]
    assert {"warehouse/archive/verify_proof.py", "warehouse/detections/sample_places.mmdb"} <= set(names)


def test_the_demo_works_from_the_wheel_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    """Into a fresh environment, in a folder that knows nothing of this one."""
    (wheel,) = built.glob("*.whl")
    home = tmp_path / "elsewhere"
    home.mkdir()
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "-c",
        str(ROOT / "constraints.txt"),
        str(wheel),
    ]
    subprocess.run(install, check=True)
    ledgerline = str(python.parent / "ledgerline")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ledgerline, *arguments],
            cwd=home,
            env=CLEAN,
            capture_output=True,
            text=True,
            check=False,
            timeout=1_200,
        )

    where = subprocess.run(
        [python, "-c", "import orchestration; print(orchestration.__file__)"],
        cwd=home, env=CLEAN, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(tmp_path) in where.stdout
    shown = run("--version")
    assert (shown.stdout, shown.returncode) == (f"ledgerline {wheel.name.split('-')[1]}\n", 0)
    ended = run("demo", "--days", "2", "--users", "3", "--keep")
    assert ended.returncode == 0, ended.stderr
    assert "tie-out" in ended.stdout
    asked = run(
        "sql", "--config", "data/demo/ledgerline.toml", "--json", "select count(*) > 0 as found from audit_events"
    )
    assert asked.stdout.split() == ["[", '{"found":', "true}", "]"]
