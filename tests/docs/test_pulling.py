"""The numbers of the pulling page are those of the code."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from assets.verdicts import LATE, MISSING_FOOTPRINT, TOO_LATE
from tests.docs.pages import names_in, page, tables
from warehouse.anthropic.activities import LARGEST_PAGE
from warehouse.anthropic.answers import Response
from warehouse.anthropic.clock import ClockSkew, ServerClock
from warehouse.anthropic.patience import Patience, Timeouts, may_pass
from warehouse.anthropic.planning import LAG, OVERLAP
from warehouse.anthropic.surfaces import COMPLIANCE, SURFACES
from warehouse.anthropic.walk import RESTARTS

PAGE = page("docs/pulling.md")
OPERATIONS = page("docs/operations.md")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


@pytest.mark.parametrize(
    "phrase",
    [
        f"from {minutes(OVERLAP)} minutes before the end of the newest covered window "
        f"up to {minutes(LAG)} minutes ago",
        f"&limit={LARGEST_PAGE}",
        "`anthropic.tries` times (6). The waits are 1 s, 2 s, 4 s, ... up to 60 s",
        "unless it asks for more than 15 minutes",
        f"an answer that takes over {Timeouts().whole:.0f} s",
        f"{COMPLIANCE.requests_per_minute} requests a minute for the whole organisation",
    ],
)
def test_a_number_of_the_page_is_the_code_s(phrase: str) -> None:
    assert phrase in " ".join(PAGE.text.split())


def test_patience_is_what_the_page_says() -> None:
    assert (Patience().tries, Patience().first, Patience().ceiling, Patience().longest) == (6, 1, 60, 15 * 60)
    assert RESTARTS == 2
    assert (minutes(LATE), minutes(TOO_LATE), minutes(MISSING_FOOTPRINT)) == (10, 30, 60)


def answer(status: int, **headers: str) -> Response:
    return Response(status, headers, b"{}", "/", NOW, NOW)


def test_the_page_says_of_each_status_whether_it_is_tried_again() -> None:
    rows = next(rows for header, rows in tables(PAGE.text) if header[0] == "answer")
    seen = set()
    for row in rows:
        for status in map(int, re.findall(r"\b[45]\d\d\b", row[0])):
            tried = row[2].startswith(("tries again", "waits"))
            assert tried == may_pass(answer(status)), row[0]
            seen.add(status)
    assert {400, 401, 403, 404, 409, 410, 413, 429, 500, 501, 502, 503, 504, 505, 529} == seen


def test_clocks_that_are_more_than_sixty_seconds_apart_are_the_finding_that_the_page_names() -> None:
    clock = ServerClock(lambda: NOW)
    clock.observe(answer(200, date="Sun, 22 Nov 2026 10:01:05 GMT"))
    found = clock.finding()
    assert isinstance(found, ClockSkew)
    assert f"`{found.code}`" in PAGE.section("Clocks")
    near = ServerClock(lambda: NOW)
    near.observe(answer(200, date="Sun, 22 Nov 2026 10:00:55 GMT"))
    assert near.finding() is None


def test_the_keys_and_scopes_of_the_page_are_those_of_the_surfaces() -> None:
    rows = next(rows for header, rows in tables(PAGE.section("Keys")) if header[0] == "setting")
    assert {names_in(row[0])[0]: tuple(names_in(row[2])) for row in rows} == {
        surface.key_setting: surface.scopes for surface in SURFACES
    }


def test_every_path_of_a_request_that_the_page_counts_for_doctor_is_one() -> None:
    assert [len(surface.probes) for surface in SURFACES] == [1, 1, 2, 1, 1]
    assert "1 for each key that is set (2 for the directory key)" in PAGE.text
