"""What no file of ours may do, looked for in the code itself, and the tools that look for the rest."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security import secrets

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration", "assets", "warehouse", "sandbox")
# modules that run what they read, or read XML with its entities
FORBIDDEN = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "xml", "lxml", "telnetlib"}


def files(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def said(call: ast.Call, name: str) -> str | None:
    return next((ast.unparse(word.value) for word in call.keywords if word.arg == name), None)


def safe_loaders(tree: ast.Module) -> set[str]:
    """The loader of YAML that makes nothing but plain values, and a file's own that are made of it alone."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    own = {node.name for node in classes if [*map(ast.unparse, node.bases)] == ["yaml.SafeLoader"]}
    return own | {"yaml.SafeLoader"}


def test_nothing_runs_what_it_reads() -> None:
    for path, tree in files():
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {name.partition(".")[0] for name in names} & FORBIDDEN, path
        for name, call in calls(tree):
            assert name not in ("eval", "exec", "compile", "os.system", "os.popen", "__import__"), path
            assert name not in ("yaml.full_load", "yaml.unsafe_load"), path
            if name in ("yaml.load", "yaml.load_all"):
                assert len(call.args) == 2, path
                assert ast.unparse(call.args[1]) in safe_loaders(tree), path
            assert said(call, "shell") is None, path


def test_duckdb_is_opened_in_one_place() -> None:
    """It contacts no host, tells times in UTC and draws no bar, whoever asks."""
    opened = {path for path, tree in files() for name, _ in calls(tree) if name == "duckdb.connect"}
    assert opened == {"warehouse/tables/connection.py"}


def test_certificates_are_verified_everywhere_and_no_setting_switches_that_off() -> None:
    for path, tree in files("orchestration", "assets", "warehouse"):
        for name, call in calls(tree):
            assert said(call, "verify") != "False", path
            assert name != "ssl._create_unverified_context", path
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("CERT_NONE", "CERT_OPTIONAL"), path
            if isinstance(node, ast.Assign):
                assert not ast.unparse(node.targets[0]).endswith((".check_hostname", ".verify_mode")), path


def test_no_client_follows_a_redirect_with_what_it_carries() -> None:
    found = 0
    for path, tree in files("orchestration", "assets", "warehouse"):
        for name, call in calls(tree):
            if name in ("httpx.Client", "httpx.AsyncClient"):
                found += 1
                assert said(call, "follow_redirects") in (None, "False"), path  # httpx does not by itself
            assert name not in ("httpx.get", "httpx.post", "requests.get", "requests.post"), path
            if name == "urllib.request.urlopen":  # follows them: only for our own address on this machine
                assert path in {
                    "orchestration/dagster_processes.py",
                    "orchestration/drill_telemetry.py",
                    "orchestration/drill_tenant.py",
                    "orchestration/demo_invoices.py",
                }
    assert found >= 3


def test_no_secret_is_in_the_tree() -> None:
    assert secrets.unexplained(secrets.tree()) == []


@pytest.mark.parametrize(
    "text",
    [
        "key = 'sk-ant-" + "api01-" + "Ab3dEf6hIj9kLm2n'", "AKI" + "AZ7Q2W3E4R5T6Y7U8",
        "-----BEGIN RSA PRIVATE " + "KEY-----",
        "ghp_" + "a1B2" * 9, "https://admin:" + "correcthorse@example.com/",
    ],
)  # fmt: skip
def test_a_planted_secret_is_found(text: str) -> None:
    assert secrets.unexplained(iter([("warehouse/planted.py", text)])) != []
