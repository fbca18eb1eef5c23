"""Promise 2: no archived byte ever changes. A second pull of a window adds versions; it never overwrites."""

import hashlib
import stat
from datetime import date
from pathlib import Path

from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from tests.promises.witness import archived_records
from warehouse.tables.seal import seal_settled_days
from warehouse.wire.times import midnight

TODAY = date(2026, 11, 22)
DAY = date(2026, 11, 20)


def objects(root: Path) -> dict[str, tuple[int, int, str]]:
    """Every file with inode, time of change and hash: what a write or a replacement would alter."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in root.rglob("*")
        if path.is_file()
    }


def assert_kept(before: dict[str, tuple[int, int, str]], site: Site) -> dict[str, tuple[int, int, str]]:
    now = objects(site.root)
    assert before.items() <= now.items()
    return now


def test_pulls_revisions_withdrawals_seals_and_imports_only_ever_add_objects(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, site.start, TODAY)
    kept = objects(site.root)
    pull(site, served, site.start, TODAY)
    kept = assert_kept(kept, site)
    person = served.tenant.world.people.on(DAY)[0]
    assert served.tenant.redact(email=person.email)
    assert served.tenant.withdraw(day=DAY, count=3)
    report = pull(site, served, site.start, TODAY)
    assert report.revised > 0
    assert report.withdrawn == 3
    kept = assert_kept(kept, site)
    with open_quickly(site, served) as workshop:
        assert seal_settled_days(workshop.archive)
    kept = assert_kept(kept, site)
    pull(site, served)
    assert_kept(kept, site)


def test_what_a_withdrawn_and_a_revised_record_said_first_is_still_there_verbatim(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, date(2026, 11, 21))
    before = served.tenant.records(midnight(DAY), midnight(date(2026, 11, 21)))
    served.tenant.redact(email=served.tenant.world.people.on(DAY)[0].email)
    served.tenant.withdraw(day=DAY, count=2)
    after = served.tenant.records(midnight(DAY), midnight(date(2026, 11, 21)))
    pull(site, served, DAY, date(2026, 11, 21))
    assert set(archived_records(site.root)) == {*before, *after}
    firsts = site.sql("select raw from audit_event_versions where version = 1 order by created_at, id")
    assert [raw.encode() for (raw,) in firsts] == before


def test_every_object_is_read_only_from_its_birth(standing: Standing) -> None:
    served, site = standing(days=1)
    pull(site, served)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in site.root.rglob("*") if path.is_file()}
    assert modes
    assert all(mode & 0o222 == 0 for mode in modes)
