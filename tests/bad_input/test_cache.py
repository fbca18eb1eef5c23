"""A local cache that is damaged, foreign, of the future or no file: every answer is the same as without it."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assets.status import status
from sandbox import Served
from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.archive.verify import verify


def garbage(cache: Path, _other: Path) -> None:
    cache.write_bytes(b"\x00\xffnot a cache at all" * 50)


def truncated(cache: Path, _other: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:-200])


def one_bit(cache: Path, _other: Path) -> None:
    data = bytearray(cache.read_bytes())
    data[len(data) // 2] ^= 1
    cache.write_bytes(bytes(data))


def empty(cache: Path, _other: Path) -> None:
    cache.write_bytes(b"")


def another_archives(cache: Path, other: Path) -> None:
    shutil.copy(other, cache)


def with_its_digest(data: Any) -> bytes:
    encoded = msgspec.json.encode(data)
    return hashlib.sha256(encoded).hexdigest().encode() + b"\n" + encoded


def that_claims_more_than_the_log_has(cache: Path, _other: Path) -> None:
    state = msgspec.json.decode(cache.read_bytes().partition(b"\n")[2])
    state["seq"] += 1000
    cache.write_bytes(with_its_digest(state))


def of_a_later_format(cache: Path, _other: Path) -> None:
    state = msgspec.json.decode(cache.read_bytes().partition(b"\n")[2])
    state["format"] = "ledgerline-state/99"
    cache.write_bytes(with_its_digest(state))


def of_another_shape(cache: Path, _other: Path) -> None:
    cache.write_bytes(with_its_digest({"seq": "many", "streams": [1, 2]}))


def a_folder(cache: Path, _other: Path) -> None:
    cache.unlink()
    cache.mkdir()


def a_file_for_a_folder(cache: Path, _other: Path) -> None:
    shutil.rmtree(cache.parent)
    cache.parent.write_text("in the way")


def none(cache: Path, _other: Path) -> None:
    shutil.rmtree(cache.parent)


def answers(site: Site, served: Served) -> tuple[Any, ...]:
    with open_quickly(site, served) as workshop:
        return (
            status(workshop),
            verify(workshop.archive.store).findings,
            site.sql("select id, version, fold from audit_event_versions order by id, version"),
        )


@pytest.mark.fault(
    "The local cache is damaged, old, or of another archive.",
    area="log",
    data="The archive is untouched: the cache is passed over.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
@pytest.mark.parametrize(
    "damage",
    [
        garbage, truncated, one_bit, empty, another_archives, that_claims_more_than_the_log_has, of_a_later_format,
        of_another_shape, a_folder, a_file_for_a_folder, none,
    ],
)  # fmt: skip
def test_a_cache_that_cannot_be_trusted_changes_no_answer_and_no_pull(
    standing: Standing, damage: Callable[[Path, Path], None]
) -> None:
    served, site = standing(days=1, events_per_day=40)
    _, other = standing(days=1, events_per_day=40)
    pull(site, served)
    pull(other, served)
    expected = answers(site, served)
    damage(site.folder / "cache" / "state.cache", other.folder / "cache" / "state.cache")
    assert answers(site, served) == expected
    served.clock.advance(600)
    report = pull(site, served)
    assert report.failed == []
    with site.open(for_writing=False) as workshop:
        end = workshop.archive.refresh().covered_until("activities")
        assert verify(workshop.archive.store).findings == []
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == served.tenant.records(None, end)


def test_an_old_cache_is_only_a_later_start(standing: Standing) -> None:
    served, site = standing(days=1, events_per_day=40)
    cache = site.folder / "cache" / "state.cache"
    pull(site, served)
    old = cache.read_bytes()
    for _ in range(3):
        served.clock.advance(300)
        pull(site, served)
    expected = answers(site, served)
    cache.write_bytes(old)
    assert answers(site, served) == expected
