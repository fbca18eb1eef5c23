"""One destination's trouble on this machine, or with its slice: in its report, and no other's."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets import delivery_rows, delivery_sorted
from assets.delivery_rows import Reader
from tests.chaos.small_disk import small_disk
from tests.delivery.conftest import FIRST, NEXT, Shop
from tests.delivery.receiver import Receiver, settings
from tests.delivery.test_faults import refusing


def test_a_run_that_ends_in_the_middle_reports_what_it_did(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_rows, "ROWS_AT_ONCE", 50)
    events = shop.events()
    shop.pull_more()
    ((newest,),) = shop.site.sql("select max(commit_seq) from audit_event_versions")
    receiver.answer = refusing(set(events[:3]))
    slice = f"case when commit_seq < {newest} then true else cast(actor_type as integer) = 1 end"
    report = shop.deliver(settings("soc", receiver.url, slice=slice))["soc"]
    assert report.stopped is not None
    assert "cannot be asked" in report.stopped.reason
    on_record = shop.state().served()["soc"]
    assert (report.delivered, report.dead, report.batches) == (on_record.delivered, 3, on_record.batches)
    assert report.delivered > 0
    assert report.entries
    assert report.position == on_record.position


def test_a_full_disk_for_the_rows_of_one_destination_is_told_in_its_report(
    shop: Shop, receivers: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(delivery_rows, "ROWS_A_PIECE", 60)
    monkeypatch.setattr(delivery_sorted, "ROWS_A_PIECE", 60)
    made = Reader.__init__

    def sorting(self: Reader, *given: Any) -> None:  # as where a day is sealed, or somebody restricted
        made(self, *given)
        self._masked = self._slice.kind == "all"

    monkeypatch.setattr(Reader, "__init__", sorting)
    lake, soc = receivers(), receivers()
    some = "type like 'claude%'"
    poison = set(shop.events(some)[:2])
    soc.answer = refusing(poison)
    with small_disk(tmp_path / "scratch", "8k") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
        reports = shop.deliver(settings("lake", lake.url), settings("soc", soc.url, slice=some))
        assert list(disk.folder.iterdir()) == []
        stopped = reports["lake"].stopped
        assert stopped is not None
        assert stopped.reason == f"no room left in {disk.folder}, where rows go that are too many for memory"
        assert "TMPDIR" in stopped.remedy
    assert (reports["soc"].stopped, reports["soc"].dead) == (None, 2)
    assert set(soc.ids()) == set(shop.events(some)) - poison
    monkeypatch.undo()
    shop.deliver(settings("lake", lake.url))
    assert sorted(lake.ids()) == shop.events()


def test_a_mistake_in_a_rule_of_ones_own_stops_who_waits_for_alerts_and_nobody_else(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    everything = receivers()
    (shop.site.folder / "broken.yml").write_text("title: [broken")
    rows = [("cheap", "all"), ("soc", "alerts"), ("one", "0d7d2f0e-5a0c-4a52-9a55-3f1f5f1c2a10")]
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(
        path.read_text()
        + '\n[detections]\nrules = ["."]\n'
        + "".join(
            f'\n[[destinations]]\nname = "{name}"\ntype = "webhook"\nbody = "ndjson"\nslice = "{slice}"\n'
            f'url = "{everything.url}"\n'
            for name, slice in rows
        )
    )
    ended = shop.site.run("deliver", "--json")
    assert ended.code == 1, ended.err
    told = {one["name"]: one["stopped"] for one in ended.json()["destinations"]}
    assert told["cheap"] is None
    assert sorted(everything.ids()) == shop.events()
    for name in ("soc", "one"):
        assert "broken.yml, line 1" in told[name]
        assert "ledgerline doctor" in told[name]
    checks = {one["subject"]: one["state"] for one in shop.site.run("doctor", "--json").json()["checks"]}
    assert checks["one (webhook)"] == "failed"


def test_a_replay_says_which_slice_cannot_be_asked_and_repeats_no_value_of_an_event(
    shop: Shop, receiver: Receiver
) -> None:
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(
        path.read_text() + '\n[[destinations]]\nname = "soc"\ntype = "webhook"\nbody = "ndjson"\n'
        f'slice = "cast(actor_email as integer) = 1"\nurl = "{receiver.url}"\n'
    )
    ended = shop.site.run("replay", "soc", "--from", str(FIRST), "--to", str(NEXT))
    assert ended.code == 1
    said = ended.out + ended.err
    assert "the slice 'cast(actor_email as integer) = 1' cannot be asked of audit_events" in said
    assert "@" not in said
    assert receiver.requests == []
