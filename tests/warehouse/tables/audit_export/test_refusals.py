"""Files that are no export: each refused as a whole, with the file, what was found and what was expected."""

import io
import json
import struct
import zipfile
from pathlib import Path

import pytest

from tests.warehouse.tables.audit_export.made_exports import HEADER, csv_text, record, zipped
from warehouse.tables.audit_export import (
    FIELDS,
    AuditExportError,
    ColumnsMissing,
    NotAnExport,
    PackingRefused,
    read_export,
)

NO_EVENT = ",".join(name for name in FIELDS if name != "event")


def refusal(data: bytes, name: str = "odd.bin") -> AuditExportError:
    with pytest.raises(AuditExportError) as caught:
        read_export(data, name)
    message = str(caught.value)
    assert message.startswith(name)
    return caught.value


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "the file is empty"),
        (b" \r\n\n", "only white space"),
        (b"\xef\xbb\xbf", "only white space"),
        (b"\xff\xfe", "only white space"),
        (b"%PDF-1.7\n...", "a PDF"),
        (b"\x1f\x8b\x08\x00", "a gzip file; unpack it first"),
        (b"PAR1....PAR1", "a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel or Word file"),
        (b"<!DOCTYPE html><html>", "HTML or XML, perhaps the sign-in page"),
        (b"\x89PNG\r\n", "a picture"),
        (bytes(range(128, 256)), "not one of the nine: is the header line there?"),
        (b"just a line of text", "found 1 column, of the nine none"),
        (b",,,\n1,2,3,4\n", "no column created_at"),
        (csv_text(record(), header=HEADER.replace(",", ";")).encode(), "separated by semicolons"),
        (csv_text(record(), header=HEADER.replace(",", "\t")).encode(), "separated by tabs"),
        (csv_text(record()).encode("utf-16-le"), "perhaps UTF-16 without a byte order mark"),
        (csv_text(record(), header=HEADER + ",event").encode(), "the column event stands in the first line twice"),
        (b"[]", "JSON without a single record"),
        (b'{"data": []}', "JSON without a single record"),
        (b'[{"created_at": "2026-', "a JSON array that is broken or cut off"),
        (b"{", "neither an array, an object with a `data` array, nor one object a line"),
        (b'{"error": {"type": "not_found_error"}}', "1 record with 1 key, of the nine none"),
        (b"[1, 2]", "2 records with 0 keys, of the nine none"),
        (b"[" * 100_000, "broken or cut off"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_no_export_is_refused_with_what_it_is(data: bytes, found: str) -> None:
    error = refusal(data)
    assert isinstance(error, NotAnExport)
    assert found in str(error)
    assert "expected the audit-log export of the console" in str(error) or "twice" in str(error)


def test_a_missing_column_is_named_with_the_file_and_the_columns_found() -> None:
    error = refusal(csv_text(header=NO_EVENT).encode(), "audit_logs.csv")
    assert isinstance(error, ColumnsMissing)
    assert error.missing == ("event",)
    assert str(error).startswith(
        f"audit_logs.csv: the first line has no column event; found 8 columns, of the nine "
        f"{NO_EVENT.replace(',', ', ')} ("
    )


@pytest.mark.parametrize(
    "data",
    [
        b"sk-ant-api01-5ECRET-5ecret\n", b"root:$6$5ecret:19000:0:99999\n", b"password,5ecret\n",
        b'{"5ecret": 1}', b'[{"a": 1, "5ecret": 2}]', b"PK\x03\x045ecret", zipped({"a.csv": b"5ecret,x\n1,2\n"}),
    ],
)  # fmt: skip
def test_nothing_of_a_wrong_file_is_repeated(data: bytes) -> None:
    assert "5ecret" not in str(refusal(data)).lower()


def test_json_records_without_a_field_are_refused_like_a_table_without_a_column() -> None:
    error = refusal(json.dumps([dict.fromkeys(NO_EVENT.split(","), "")]).encode(), "a.json")
    assert isinstance(error, ColumnsMissing)
    assert error.missing == ("event",)


def test_a_file_of_two_thousand_columns_does_not_fill_the_screen() -> None:
    assert len(str(refusal(b",".join(b"column_%d" % n for n in range(2000)) + b"\n"))) < 1200


def test_the_place_in_a_zip_is_named_too() -> None:
    assert str(refusal(zipped({"x/a.csv": b"id,name\n"}), "e.zip")).startswith(
        "e.zip (x/a.csv): the first line has no"
    )
    assert str(refusal(zipped({"a.csv": b""}), "e.zip")).startswith("e.zip: a.csv in it is empty")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (zipped({}), "found an empty ZIP"),
        (zipped({"a.txt": b"x", "b/c.pdf": b"y"}), "a ZIP without a .csv or .json in it, only a.txt, b/c.pdf"),
        (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "an Office document (a workbook?)"),
        (zipped({f"{n}.txt": b"" for n in range(9)}), "and 4 more"),
        (zipped({"inner.csv": zipped({"a.csv": csv_text().encode()})}), "no column"),
    ],
    ids=["empty", "others", "workbook", "many", "zip in zip"],
)
def test_a_zip_without_an_export_is_refused_with_its_contents(data: bytes, found: str) -> None:
    assert found in str(refusal(data, "e.zip"))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    error = refusal(zipped({"a.csv": b"\0" * (64 << 20)}), "bomb.zip")
    assert isinstance(error, PackingRefused)
    assert "would unpack to more than 16,777,216 bytes" in str(error)
    assert "200 times its packed size" in str(error)


def test_a_zip_that_lies_about_its_size_is_stopped_while_it_is_read() -> None:
    data = bytearray(zipped({"a.csv": b"\0" * (64 << 20)}))
    true_size = struct.pack("<I", 64 << 20)
    for place in (data.find(true_size), data.rfind(true_size)):
        data[place : place + 4] = struct.pack("<I", 1000)
    # whatever the size claimed, what comes out is bounded: by it, or by the limit
    assert isinstance(refusal(bytes(data), "bomb.zip"), AuditExportError)


def test_a_damaged_zip_is_refused_with_what_to_do() -> None:
    whole = zipped({"a.csv": csv_text(*[record()] * 50).encode()})
    for damaged in (whole[:-30], whole[:40] + b"\xff\xff\xff\xff" + whole[44:], b"PK\x03\x04" + b"\0" * 100):
        error = refusal(damaged, "e.zip")
        assert isinstance(error, PackingRefused)
        assert "download the export again" in str(error)


def test_an_encrypted_zip_is_refused_with_what_to_do() -> None:
    data = bytearray(zipped({"a.csv": csv_text(record()).encode()}))
    data[6] |= 1  # the flag in the local header, and in the directory
    data[data.find(b"PK\x01\x02") + 8] |= 1
    error = refusal(bytes(data), "e.zip")
    assert isinstance(error, PackingRefused)
    assert "unpack it yourself" in str(error)


def test_nothing_of_a_zip_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read_export(zipped({"../evil.csv": csv_text(record()).encode(), "/etc/evil.csv": b""}), "e.zip")
    assert list(tmp_path.iterdir()) == []
    assert not (tmp_path.parent / "evil.csv").exists()


def test_an_unknown_compression_is_refused_with_what_to_do() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", csv_text(record()))
    data = bytearray(packed.getvalue())
    data[data.find(b"PK\x01\x02") + 10] = 99
    assert "unpack it yourself" in str(refusal(bytes(data), "e.zip"))
