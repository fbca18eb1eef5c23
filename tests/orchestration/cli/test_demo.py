"""The demo, whole, in a process of its own as a newcomer runs it."""

import json
from pathlib import Path

import pytest

from orchestration.demo_tenant import DemoFolder, InUse
from tests.orchestration.cli.conftest import in_a_process

SMALL = ("demo", "--days", "3", "--users", "12")


def test_the_demo_pulls_models_answers_and_verifies(tmp_path: Path) -> None:
    ended = in_a_process(*SMALL, "--keep", "--json", folder=tmp_path)
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert document["ok"]
    assert document["verify"]["checked"]["records"] == document["pull"]["records"] > 0
    assert document["marts"]["fct_actor_activity_daily"] > 0
    assert (tmp_path / "data/demo/archive/log/entry/000000000000.json").exists()


def test_a_demo_in_use_is_not_swept_away(tmp_path: Path) -> None:
    with DemoFolder(tmp_path / "data/demo").in_use():
        ended = in_a_process(*SMALL, "--keep", folder=tmp_path)
    assert ended.code == 2
    assert "at work in data/demo" in ended.err
    assert "make ui" in ended.err


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    with folder.in_use(), pytest.raises(InUse, match="demo"), folder.in_use():
        raise AssertionError("held twice")
    with folder.in_use():
        pass


def test_a_file_where_the_demo_keeps_things_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    ended = in_a_process(*SMALL, "--keep", folder=tmp_path)
    assert ended.code == 2
    assert "data is a file" in ended.err
    assert (tmp_path / "data").read_text() == "mine"
