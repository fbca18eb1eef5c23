"""Keys that do not open the feed: exit 2, with the scope that is needed and where to create a key that has it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.promises.conftest import Command, Standing
from tests.promises.site import Site

NEEDED = "read:compliance_activities"
WHERE = "claude.ai > Organization settings > API"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("analytics", "`read:analytics`"),
        ("directory", "`read:members`"),
        ("api03", "sk-ant-api03-"),
        ("expired", "expired"),
        ("deactivated", "deactivated"),
        ("sk-ant-api01-nobody-knows-this-one-0000", "invalid"),
        ("an-arbitrary-text", "a foreign kind"),
    ],
)
def test_a_key_that_does_not_open_the_feed_is_exit_2_with_scope_and_place(
    standing: Standing, ledgerline: Command, key: str, said: str
) -> None:
    served, site = standing(days=1)
    site.configure(key=served.keys.get(key, key))
    ended = ledgerline(site, "pull", "activities")
    assert ended.code == 2
    assert ended.out == ""
    assert NEEDED in ended.err
    assert WHERE in ended.err
    assert said.casefold() in ended.err.casefold()
    assert not site.root.exists() or not (site.root / "pages").exists()


@pytest.mark.parametrize(("key", "said"), [(" \n", "is empty"), ("line one\nline two", "on one line")])
def test_a_file_that_holds_no_key_is_exit_2_and_named(
    standing: Standing, ledgerline: Command, key: str, said: str
) -> None:
    _, site = standing(days=1)
    (site.folder / "compliance.key").write_text(key)
    ended = ledgerline(site, "pull", "activities")
    assert ended.code == 2
    assert str(site.folder / "compliance.key") in ended.err
    assert said in ended.err


def remove(site: Site) -> None:
    (site.folder / "compliance.key").unlink()


def point_at_nothing(site: Site) -> None:
    path = site.folder / "ledgerline.toml"
    path.write_text(path.read_text().replace('"file:./compliance.key"', '"env:LEDGERLINE_NO_SUCH_KEY"'))


@pytest.mark.parametrize(
    ("how", "said"), [(remove, "compliance.key"), (point_at_nothing, "LEDGERLINE_NO_SUCH_KEY")]
)
def test_no_key_at_all_is_exit_2_and_names_where_it_was_looked_for(
    standing: Standing, ledgerline: Command, how: Callable[[Site], None], said: str
) -> None:
    _, site = standing(days=1)
    how(site)
    ended = ledgerline(site, "pull", "activities")
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.fault(
    "An API key expires between two windows.",
    area="clock and keys",
    data="What was committed stays.",
    user="Exit 2 and which key to replace.",
    recovery="Replace the key and run it again.",
)
def test_a_key_that_expires_between_two_windows_keeps_what_was_committed(
    standing: Standing, ledgerline: Command
) -> None:
    served, site = standing()
    served.faults.on("expired_key", skip=2)
    ended = ledgerline(site, "pull", "activities", "--from", str(site.start), "--to", "2026-11-22")
    assert ended.code == 2
    (held,) = site.sql("select count(distinct dt), count(*) from audit_events")
    assert held[0] == 2
    assert ledgerline(site, "verify").code == 0
    served.faults.clear()
    again = ledgerline(
        site, "pull", "activities", "--from", str(site.start), "--to", "2026-11-22", "--json"
    ).json()
    assert again["failed"] == []
    assert site.sql("select count(distinct dt) from audit_events") == [(4,)]


@pytest.mark.fault(
    "The file of the signing key is gone.",
    area="clock and keys",
    data="The vendor is asked nothing and nothing is written.",
    user="Exit 2 with the name of the file.",
    recovery="Restore the key from its copy.",
)
def test_the_signing_key_gone_is_exit_2_before_anything_is_asked_or_written(
    standing: Standing, ledgerline: Command, tmp_path: Path
) -> None:
    _, site = standing(days=1)
    (site.folder / "signing.key").rename(tmp_path / "elsewhere")
    ended = ledgerline(site, "pull", "activities")
    assert ended.code == 2
    assert "ledgerline init" in ended.err
    assert not (site.root / "log").exists()
