"""A restriction beside the second source: export rows are masked, the comparison with the feed stays the same."""

from assets.restricting import restrict
from sandbox import Served
from tests.joins.test_importing import DAY, chats, export, row, run
from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site

NEXT = DAY.replace(day=DAY.day + 1)
MATCHES = "select * from audit_export_matches order by row_key"
ROWS = "select * from audit_export_rows order by row_key"
NAMING = "actor_info, actor_name, actor_uuid, actor_email, ip_address, user_agent, raw"


def with_an_export(standing: Standing) -> tuple[Served, Site, str]:
    """A pulled day, an export of its chats and one row that the feed lacks; and whose rows there are most of."""
    served, site = standing()
    pull(site, served, DAY, NEXT)
    known = chats(served)
    never = (f"{DAY}T23:50:00.500000Z", known[0][1])
    run(site, served, export(site.folder / "export.csv", [row(*one) for one in [*known, never]]))
    return served, site, known[0][1]


def test_the_comparison_with_the_feed_is_the_same_and_the_rows_are_masked(standing: Standing) -> None:
    served, site, address = with_an_export(standing)
    matches, rows = site.sql(MATCHES), site.sql(ROWS)
    assert address in str(rows)
    assert ("feed_lacks" in str(matches), "feed_has" in str(matches)) == (True, True)
    with open_quickly(site, served) as workshop:
        done = restrict(workshop, "dsr-1", [address], "request for erasure")
    assert done.events > 0
    assert site.sql(MATCHES) == matches
    masked = site.sql(ROWS)
    assert len(masked) == len(rows)
    assert address not in str(masked)
    assert set(site.sql(f"select {NAMING} from audit_export_rows where actor_email = '[restricted]'")) == {
        ("[restricted]",) * 7
    }


def test_rows_of_others_and_what_names_nobody_stay(standing: Standing) -> None:
    served, site, address = with_an_export(standing)
    others = f"select * from audit_export_rows where actor_email <> '{address}' order by row_key"
    staying = (
        "select export_id, row_no, created_at, event, feed_type, row_key, dt from audit_export_rows order by all"
    )
    before = site.sql(others), site.sql(staying)
    with open_quickly(site, served) as workshop:
        restrict(workshop, "dsr-1", [address], "request for erasure")
    masked = "select * from audit_export_rows where actor_email <> '[restricted]' order by row_key"
    assert (site.sql(masked), site.sql(staying)) == before


def test_the_command_says_what_else_the_actor_is_known_by(standing: Standing) -> None:
    served, site, address = with_an_export(standing)
    ((user,),) = site.sql(
        f"select distinct actor_id from audit_events where actor_email = '{address}' and actor_id is not null"
    )
    with open_quickly(site, served) as workshop:
        assert restrict(workshop, "dsr-1", [address], "request for erasure").also_known == [user]
        assert restrict(workshop, "dsr-2", [user, address], "request for erasure").also_known == []
