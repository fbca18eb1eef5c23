"""`ledgerline demo --drill`: every rule fires on its own case, and quiet days are quiet."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.drill import Drill
from warehouse.detections.rulebook import load


@pytest.mark.slow
def test_every_rule_fires_in_the_drill_and_no_loud_one_on_quiet_days(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "orchestration.cli", "demo", "--drill", "--json"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    drilled = json.loads(ended.stdout)
    rules = drilled["rules"]
    assert len(rules) >= 45
    assert [rule["name"] for rule in rules if not rule["fired"]] == []
    assert [rule["name"] for rule in rules if rule["level"] in ("high", "critical") and rule["quiet"]] == []
    # a medium rule may wake somebody once in a working week of such a company; the command's exit code says so too
    days = drilled["days"]
    noisy = [rule["name"] for rule in rules if rule["level"] == "medium" and rule["quiet"] > days / 5]
    assert noisy == []


@pytest.mark.parametrize(("level", "alerts"), [("critical", 1), ("high", 1), ("medium", 11), ("low", None)])
def test_how_often_a_rule_may_fire_on_quiet_days_depends_on_its_level(level: str, alerts: int | None) -> None:
    rule = next(rule for rule in load() if rule.level == level)
    drill = Drill([rule], days=50, people=40, quiet={rule.id: alerts or 500})
    assert drill.nervous == ([] if alerts is None else [rule])
    drill.quiet[rule.id] -= 1
    assert drill.nervous == []
