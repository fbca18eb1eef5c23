"""Promise 1: every record that was served for a committed window is in the archive, byte for byte as served."""

from datetime import UTC, date, datetime

import pytest

from sandbox.faults import RECORD_FAULTS, REQUEST_FAULTS
from tests.promises.conftest import Command, Standing
from tests.promises.quick import pull
from tests.promises.site import Site
from tests.promises.witness import archived_records
from warehouse.anthropic.errors import StreamTrouble
from warehouse.wire.times import midnight

TODAY = date(2026, 11, 22)
RAW = "select coalesce(raw_bytes, encode(raw)) from audit_events order by created_at, id"

# What a fault does to a run: the client gets over it, a window fails, or nothing of the stream can be pulled.
PASSES, FAILS, STOPS = "passes", "fails", "stops"
EFFECT = {
    "rate_limit_429": PASSES,
    "error_500": PASSES,
    "error_500_final": FAILS,
    "bad_gateway": PASSES,
    "error_502": PASSES,
    "error_503": PASSES,
    "error_504": PASSES,
    "error_529": PASSES,
    "timeout": PASSES,
    "cut": PASSES,
    "truncated_json": PASSES,
    "no_data": PASSES,
    "empty_page_claims_more": PASSES,
    "full_page_without_has_more": PASSES,
    "repeated_record": PASSES,
    "expired_key": STOPS,
    "deactivated_key": STOPS,
    "invalid_key": STOPS,
    "wrong_key": STOPS,
    "missing_scope": STOPS,
    "compliance_disabled": STOPS,
    "clock_skew": PASSES,
}


# Faults that only usage and cost can have; tests/joins/test_spend_pulling.py tries them.
OF_SPEND = {"stale_cursor", "short_rows"}


def test_each_fault_that_the_tenant_knows_is_tried_here() -> None:
    assert set(EFFECT) | OF_SPEND == set(REQUEST_FAULTS)


def assert_the_archive_is_the_truth(site: Site, end: datetime) -> None:
    """SQL answers the truth, each record once, and the pages, cut by a stranger to our code, say the same."""
    truth = site.truth(midnight(site.start), end)
    assert [bytes(raw) for (raw,) in site.sql(RAW)] == truth
    assert set(archived_records(site.root)) == set(truth)
    assert len(set(truth)) == len(truth) > 0


@pytest.mark.fault(
    "The API fails once: a cut, torn or empty answer, 5xx, 429, a dead cursor, a page served twice.",
    area="pulling",
    data="The archive is the same as without the fault.",
    user="The progress line says that it waits and tries again.",
    recovery="Nothing: it was tried again.",
)
@pytest.mark.parametrize("kind", sorted(EFFECT))
def test_a_fault_of_the_api_changes_nothing_that_is_archived(standing: Standing, kind: str) -> None:
    served, site = standing(days=2)
    days = (site.start, TODAY)
    # one page in, so that a window is hit in its middle; `bytes` and `seconds` keep waits short
    served.faults.on(kind, next=2, skip=1, seconds=0 if kind == "rate_limit_429" else 600)
    if EFFECT[kind] is STOPS:
        with pytest.raises(StreamTrouble):
            pull(site, served, *days)
    else:
        report = pull(site, served, *days)
        assert bool(report.failed) == (EFFECT[kind] is FAILS)
    served.faults.clear()
    pull(site, served, *days)
    assert_the_archive_is_the_truth(site, midnight(TODAY))
    again = pull(site, served, *days)
    assert (again.first, again.revised, again.withdrawn, again.failed) == (0, 0, 0, [])
    assert again.unchanged == again.records == len(site.truth(midnight(site.start), midnight(TODAY)))


@pytest.mark.fault(
    "Records have repeated keys, broken UTF-8, lone surrogates or huge integers.",
    area="pulling",
    data="They are kept byte for byte, and named in `unknown_fields`.",
    user="`pull` and `status` count them.",
    recovery="Nothing.",
)
@pytest.mark.parametrize("kind", sorted(RECORD_FAULTS))
def test_a_record_that_spoils_careless_parsers_is_kept_as_it_is(standing: Standing, kind: str) -> None:
    served, site = standing(days=2)
    settings = (
        {"bytes": 300_000} if kind == "huge_record" else {"seconds": 7200} if kind == "late_indexing" else {}
    )
    hit = served.tenant.damage(kind, next=2, **settings)
    assert hit
    pull(site, served, site.start, TODAY)
    assert_the_archive_is_the_truth(site, midnight(TODAY))
    again = pull(site, served, site.start, TODAY)
    assert (again.first, again.revised, again.withdrawn) == (0, 0, 0)


@pytest.mark.parametrize("quirk", ["opaque_cursors", "bound_cursors", "platform_errors", "bare_404"])
def test_either_reading_of_an_unclear_documentation_gives_the_truth(standing: Standing, quirk: str) -> None:
    served, site = standing(days=2, quirks=[quirk])
    served.faults.on("error_500", next=1, skip=1)
    pull(site, served, site.start, TODAY)
    assert_the_archive_is_the_truth(site, midnight(TODAY))


@pytest.mark.fault(
    "The API fails in every passing way at once.",
    area="pulling",
    data="Every record is there, byte for byte, once.",
    user="`pull` names the windows that failed.",
    recovery="Run the pull again: it finds the holes.",
)
def test_a_storm_of_every_passing_fault_at_once_ends_in_the_truth(standing: Standing) -> None:
    served, site = standing(days=2)
    for kind, effect in EFFECT.items():
        if effect is not STOPS and kind not in ("timeout", "clock_skew"):
            served.faults.on(kind, probability=0.04, seconds=0)
    for _ in range(30):
        if not pull(site, served).failed:
            break
    else:
        pytest.fail("thirty runs did not get through")
    end = site.sql("select max(window_end) from audit_pages where complete")[0][0].astimezone(UTC)
    assert_the_archive_is_the_truth(site, end)


@pytest.mark.parametrize("kind", ["cut", "timeout"])
def test_the_command_line_gets_over_a_fault_and_its_second_run_adds_nothing(
    site: Site, past: tuple[str, str], ledgerline: Command, kind: str
) -> None:
    site.tell("faults", kind=kind, next=1, skip=1, seconds=30)
    window = ("--from", past[0], "--to", past[1])
    first = site.pull(*window)
    assert_the_archive_is_the_truth(site, midnight(date.fromisoformat(past[1])))
    assert first["first"] == first["records"] > 0
    assert first["requests"] == first["pages"] + 1
    second = ledgerline(site, "pull", "activities", *window, "--json").json()
    assert (second["first"], second["revised"], second["withdrawn"]) == (0, 0, 0)
    assert second["unchanged"] == first["records"]


def test_sql_on_the_command_line_answers_the_verbatim_records(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    assert ledgerline(site, "pull", "activities", "--from", past[0], "--to", past[1]).code == 0
    rows = site.run("sql", "--json", "select raw, raw_bytes from audit_events order by created_at, id").json()
    truth = site.truth(midnight(site.start), midnight(date.fromisoformat(past[1])))
    assert [row["raw"].encode() for row in rows if row["raw_bytes"] is None] == truth


@pytest.mark.fault(
    "An API key is wrong, expired, or lacks its scope.",
    area="clock and keys",
    data="What was committed stays. Nothing more is written.",
    user="Exit 2, the setting of the key and the scope that it needs.",
    recovery="Correct the key and run it again.",
)
def test_a_key_trouble_ends_with_exit_2_and_the_next_run_completes(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    site.tell("faults", kind="expired_key", next=1, skip=2)
    window = ("--from", past[0], "--to", past[1])
    ended = ledgerline(site, "pull", "activities", *window)
    assert ended.code == 2
    assert "expired" in ended.err
    assert ledgerline(site, "pull", "activities", *window).code == 0
    assert_the_archive_is_the_truth(site, midnight(date.fromisoformat(past[1])))
