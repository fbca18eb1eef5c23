"""What docs/destinations.md shows can be copied: each example is a valid table, and there is one for each type."""

import re
from pathlib import Path

from tests.docs.pages import page
from warehouse.config import parse
from warehouse.config.destinations import TYPES

PAGE = page("docs/destinations.md")


def test_every_example_is_a_valid_destination_and_each_type_has_one(tmp_path: Path) -> None:
    shown = []
    for block in PAGE.blocks("toml"):
        for name in re.findall(r'"file:\./([^"]+)"|"\./([^"]+\.pem)"', block.text):
            (tmp_path / next(filter(None, name))).write_text("example")
        env = dict.fromkeys(re.findall(r'"env:(\w+)"', block.text), "https://example.com/fake")
        shown += parse(block.text, tmp_path / "ledgerline.toml", env).destinations
    assert {one.type for one in shown} == set(TYPES)
    assert len({one.name for one in shown}) == len(shown)
    receivers = {"collector", "splunk-observability", "datadog-agent", "elastic-apm", "azure-monitor"}
    assert receivers <= {one.name for one in shown if one.type == "otlp"}


def test_what_is_shown_of_other_programs_is_yaml() -> None:
    import yaml

    blocks = [yaml.safe_load(block.text) for block in PAGE.blocks("yaml")]
    assert len(blocks) == 3
    assert all(isinstance(one, dict) for one in blocks)
