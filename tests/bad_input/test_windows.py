"""A window that nobody can mean is exit 2 with the window that would do; nothing is asked and nothing written."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.quick import pull
from warehouse.anthropic.errors import WindowRefused

SOON = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()


@pytest.mark.fault(
    "Somebody asks for a window that makes no sense: backwards, in the future, or before the first day.",
    area="pulling",
    data="The vendor is asked nothing.",
    user="Exit 2, and what would be right.",
    recovery="Ask for a window that makes sense.",
)
@pytest.mark.parametrize(
    ("window", "said"),
    [
        (("--from", "2026-11-21", "--to", "2026-11-20"), "is not before --to"),
        (("--from", "2026-11-20", "--to", "2026-11-20"), "is not before --to"),
        (("--from", SOON), "in the future"),
        (("--from", "2026-11-20", "--to", SOON), "in the future"),
        (("--from", "2026-11-01"), "before anthropic.start, which is 2026-11-18"),
        (("--from", "2025-02-29"), "is not a time"),
        (("--from", "2026-11-20T10:00:00"), "is not a time"),
        (("--from", "now"), "settled"),
        (("--to", "2026-11-21"), "without --from"),
    ],
)
def test_a_window_that_cannot_be_meant_is_exit_2_and_says_what_would_do(
    standing: Standing, ledgerline: Command, window: tuple[str, ...], said: str
) -> None:
    served, site = standing()
    for form in ((), ("--json",)):
        ended = ledgerline(site, "pull", "activities", *window, *form)
        assert ended.code == 2
        assert said in ended.err
        assert ended.json()["error"]["message"] if form else ended.out == ""
    assert len(served.requests) == 0
    assert not (site.root / "log").exists()


def test_an_end_within_the_last_minutes_is_drawn_back_to_what_has_settled(standing: Standing) -> None:
    served, site = standing(days=1)
    now = served.clock.now()
    pull(site, served, now - timedelta(hours=2), now - timedelta(seconds=30))
    with site.open(for_writing=False) as workshop:
        assert workshop.archive.refresh().covered_until("activities") == now - timedelta(minutes=2)


def test_a_window_of_which_nothing_has_settled_is_refused_with_when_to_ask_again(standing: Standing) -> None:
    served, site = standing(days=1)
    now = served.clock.now()
    with pytest.raises(WindowRefused, match="has settled yet"):
        pull(site, served, now - timedelta(seconds=90), now)
