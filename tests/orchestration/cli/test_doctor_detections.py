"""`ledgerline doctor` and detections: what a run would refuse tonight is said by day."""

from pathlib import Path
from typing import Any

from sandbox import Served
from tests.orchestration.cli.conftest import Command, configure
from tests.warehouse.detections.mmdb import city, write

SETTINGS = """
[detections]
geo = ["./city.mmdb", "./broken.mmdb"]
{more}
"""
GONE = """
[[detections.suppress]]
rule = "single_sign_on_switched_off"
reason = "a change that was planned"
owner = "bea@example.com"
until = 2026-01-01
"""
NO_RULE = GONE.replace("single_sign_on_switched_off", "single_sign_of")


def asked(ledgerline: Command) -> dict[str, dict[str, Any]]:
    return {
        Path(one["subject"]).name: one
        for one in ledgerline("doctor", "--json").json()["checks"]
        if one["check"] in ("detections", "places")
    }


def test_a_broken_file_of_places_and_a_decision_about_no_rule_are_found_before_a_run(
    ledgerline: Command, tmp_path: Path, sandbox: Served
) -> None:
    configure(tmp_path, sandbox)
    whole = write(tmp_path / "city.mmdb", city()).read_bytes()
    (tmp_path / "broken.mmdb").write_bytes(whole[: len(whole) // 2])
    path = tmp_path / "ledgerline.toml"
    before = path.read_text()
    path.write_text(before + SETTINGS.format(more=GONE))
    found = asked(ledgerline)
    assert found["city.mmdb"]["state"] == "ok"
    assert "knows country" in found["city.mmdb"]["detail"]
    assert found["broken.mmdb"]["state"] == "failed"
    assert "[detections] geo" in found["broken.mmdb"]["remedy"]
    assert found["rules"]["state"] == "ok"
    assert "1 decision about them holds no more" in found["rules"]["detail"]
    path.write_text(before + SETTINGS.format(more=NO_RULE))
    told = asked(ledgerline)["rules"]
    assert told["state"] == "failed"
    assert "single_sign_on_switched_off" in told["detail"]
