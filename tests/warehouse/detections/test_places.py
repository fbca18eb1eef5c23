"""Places out of MMDB files: who is where, and a file that is none is refused with what to do."""

from pathlib import Path

import duckdb
import pytest

from tests.warehouse.detections import mmdb
from warehouse.detections.errors import GeoUnusable
from warehouse.detections.places import FIELDS, SAMPLE_FILE, Place, Places


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("geo")
    return [
        mmdb.write(folder / "city.mmdb", mmdb.city()),
        mmdb.write(folder / "asn.mmdb", mmdb.asn(), "Example-ASN"),
    ]


def test_two_files_answer_as_one_for_ipv4_and_ipv6(files: list[Path]) -> None:
    with Places(files) as places:
        assert places.has == FIELDS
        assert places.of("192.0.2.77") == Place("DE", 50.11, 8.68, "64496")
        assert places.of("2001:db8:ff00::1") == Place("SG", 1.35, 103.82, "64502")
        assert places.of("::ffff:203.0.113.9") == Place("JP", 35.68, 139.69, "64498")


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.9", "127.0.0.1", "100.64.0.1", "fc00::1", "fe80::1%2"])
def test_a_private_address_has_no_place_whatever_a_file_says(tmp_path: Path, address: str) -> None:
    everywhere = {"0.0.0.0/0": {"country": {"iso_code": "XX"}}, "fc00::/6": {"country": {"iso_code": "XX"}}}
    with Places([mmdb.write(tmp_path / "all.mmdb", everywhere)]) as places:
        assert places.of("9.9.9.9").country == "XX"
        assert places.of(address) == Place()


@pytest.mark.parametrize("address", ["9.9.9.9", "", "unknown", "192.0.2.1, 192.0.2.2", "300.1.1.1"])
def test_what_no_file_knows_or_is_no_address_has_no_place(files: list[Path], address: str) -> None:
    with Places(files) as places:
        assert places.of(address) == Place()


def test_the_flat_records_of_other_makers_are_read_too(tmp_path: Path) -> None:
    flat = {"192.0.2.0/24": {"country_code": "de", "lat": "50.11", "lng": "8.68", "asn": "AS64496"}}
    broken = {"198.51.100.0/24": {"country": "Germany", "lat": "north", "lng": 999.0}}
    with Places([mmdb.write(tmp_path / "flat.mmdb", flat | broken)]) as places:
        assert places.of("192.0.2.1") == Place("DE", 50.11, 8.68, "64496")
        assert places.of("198.51.100.1") == Place()


def test_each_address_is_looked_up_once(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = Places.of
    monkeypatch.setattr(Places, "of", lambda self, address: asked.append(address) or real(self, address))
    with duckdb.connect() as db, Places(files) as places:
        rows = "select * from (values ('192.0.2.1'), ('192.0.2.1'), (null), ('203.0.113.9')) as t(ip_address)"
        places.note(db, rows)
        places.note(db, rows + " union all select '2001:db8::1'")
        found = db.execute("select address, country from address_places order by 1").fetchall()
    assert found == [("192.0.2.1", "DE"), ("2001:db8::1", "DE"), ("203.0.113.9", "JP")]
    assert sorted(asked) == ["192.0.2.1", "2001:db8::1", "203.0.113.9"]


def test_the_evidence_names_each_file_by_type_build_and_hash(files: list[Path]) -> None:
    with Places(files) as places:
        kinds = [one["type"] for one in places.evidence]
        assert kinds == ["Example-City", "Example-ASN"]
        assert all(len(one["sha256"]) == 64 and one["build_epoch"] > 1_700_000_000 for one in places.evidence)


def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, files: list[Path]) -> None:
    whole = files[0].read_bytes()
    bad = {
        "missing.mmdb": (None, "cannot be read: No such file"),
        "empty.mmdb": (b"", "no MMDB file"),
        "text.mmdb": (b"country,address\n" * 500, "no MMDB file"),
        "cut.mmdb": (whole[: len(whole) // 2], "no MMDB file"),
    }
    for name, (content, says) in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(GeoUnusable, match=says) as refused:
            Places([tmp_path / name])
        assert name in str(refused.value)
        assert "[detections] geo" in refused.value.remedy
    with pytest.raises(GeoUnusable, match="cannot be read"):
        Places([tmp_path])


def test_a_file_whose_records_are_damaged_is_refused(tmp_path: Path, files: list[Path]) -> None:
    whole = bytearray(files[0].read_bytes())
    data = whole.index(b"iso_code") - 1
    for offset in range(data, data + 60):
        whole[offset] = 0xFF
    path = tmp_path / "damaged.mmdb"
    path.write_bytes(whole)
    with pytest.raises(GeoUnusable, match=r"damaged"):
        Places([path]).of("192.0.2.1")


def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    other = mmdb.write(tmp_path / "anon.mmdb", {"192.0.2.0/24": {"is_anonymous": True}}, "Example-Anonymous-IP")
    with pytest.raises(
        GeoUnusable, match="of type 'Example-Anonymous-IP', which has no country, place or network"
    ):
        Places([other])


def test_the_file_that_ships_has_the_places_that_the_samples_mean() -> None:
    with Places([SAMPLE_FILE]) as places:
        for network, (country, latitude, longitude, number) in mmdb.PLACES.items():
            address = network.partition("/")[0]
            assert places.of(address) == Place(country, latitude, longitude, str(number)), network
    assert SAMPLE_FILE.stat().st_size < 5_000
