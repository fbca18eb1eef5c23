"""Where an address is, from MMDB files on this machine (country, coordinates, network), never from outside.

Promise: a file that is none, damaged or of another kind is refused with what to do; an address is looked up once
per run; one that is private, unknown or no address at all has no place.
"""

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import duckdb
import maxminddb
import pyarrow as pa

from warehouse.detections.errors import GeoUnusable

TABLE = "address_places"
SAMPLE_FILE = Path(__file__).with_name("sample_places.mmdb")

_SCHEMA = pa.schema(
    [
        pa.field("address", pa.string()),
        pa.field("country", pa.string()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("asn", pa.string()),
    ]
)
FIELDS = frozenset(_SCHEMA.names) - {"address"}

# Not `is_private` of the standard library, which also means the networks that documentation uses.
_INSIDE = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"),
    )
)
# Records at the beginning of a file by which is told what it knows.
_TRIED = 20_000
_DAMAGED = (maxminddb.InvalidDatabaseError, UnicodeDecodeError, IndexError, KeyError, TypeError, OverflowError)
_REMEDY = "put a City, Country or ASN database in MMDB format there, or take it out of [detections] geo"


class Place(NamedTuple):
    """Country as ISO 3166-1 alpha-2, degrees, and the number of the network (ASN) as text; None: not known."""

    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    asn: str | None = None

    def known(self) -> frozenset[str]:
        return frozenset(name for name, value in self._asdict().items() if value is not None)


class Places:
    """Opened MMDB files, asked in order; the first that knows a field has the word. A context manager.

    has: which of FIELDS the files know. evidence: of each file its type, its build (seconds since 1970) and the
    SHA-256 of its bytes, for the entry of a run.
    """

    def __init__(self, files: Sequence[Path] = ()) -> None:
        """Raises GeoUnusable for a file that cannot be used; without files there are no places."""
        self._readers: list[tuple[Path, maxminddb.Reader]] = []
        self.has: frozenset[str] = frozenset()
        self.evidence: list[dict[str, Any]] = []
        try:
            for path in files:
                self._open(path)
        except GeoUnusable:
            self.close()
            raise

    def __enter__(self) -> "Places":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for _, reader in self._readers:
            reader.close()
        self._readers = []

    def of(self, address: str) -> Place:
        """The place of an address; an empty one for what is private, unknown or no address."""
        where = _public(address)
        found: dict[str, Any] = {}
        if where is None:
            return Place()
        for path, reader in self._readers:
            said = _place(self._record(path, reader, where))._asdict()
            found = {name: value for name, value in said.items() if value is not None} | found
        return Place(**found)

    def note(self, db: duckdb.DuckDBPyConnection, addresses: str) -> None:
        """Put the addresses of a SELECT (its column `ip_address`) into `address_places`, those not there yet."""
        prepare(db)
        new = db.execute(
            f"select distinct ip_address from ({addresses}) as met where ip_address is not null "
            f"and ip_address not in (select address from {TABLE}) order by 1"
        ).fetchall()
        rows = [{"address": address, **self.of(address)._asdict()} for (address,) in new]
        if rows:
            db.register("places_met", pa.Table.from_pylist(rows, schema=_SCHEMA))
            db.execute(f"insert into {TABLE} select * from places_met")
            db.unregister("places_met")

    def _open(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            reader = maxminddb.open_database(path)
        except OSError as problem:
            raise GeoUnusable(f"{path} cannot be read: {problem.strerror or problem}", remedy=_REMEDY) from problem
        except _DAMAGED as problem:
            raise GeoUnusable(f"{path} is no MMDB file, or is damaged", remedy=_REMEDY) from problem
        self._readers.append((path, reader))
        about = reader.metadata()
        knows = self._knows(path, reader)
        if not knows:
            raise GeoUnusable(
                f"{path} is of type {about.database_type!r}, which has no country, place or network",
                remedy=_REMEDY,
            )
        self.has |= knows
        self.evidence.append({"type": about.database_type, "build_epoch": about.build_epoch, "sha256": digest})

    @staticmethod
    def _knows(path: Path, reader: maxminddb.Reader) -> frozenset[str]:
        """Which fields the first records of a file have."""
        found: frozenset[str] = frozenset()
        try:
            for _, record in islice(reader, _TRIED):
                found |= _place(record).known()
                if found == FIELDS:
                    break
        except _DAMAGED as problem:
            raise GeoUnusable(f"{path} is damaged: {problem}", remedy=_REMEDY) from problem
        return found

    @staticmethod
    def _record(path: Path, reader: maxminddb.Reader, where: IPv4Address | IPv6Address) -> Any:
        try:
            return reader.get(where)
        except ValueError:
            return None  # a file of IPv4 alone is asked for an address of IPv6
        except _DAMAGED as problem:
            raise GeoUnusable(f"{path} is damaged: {problem}", remedy=_REMEDY) from problem


def prepare(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of places of a connection, empty, unless it is there."""
    db.execute(
        f"create temp table if not exists {TABLE} (address varchar, country varchar, latitude double, "
        "longitude double, asn varchar)"
    )


def _public(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if any(address in network for network in _INSIDE) else address


def _place(record: Any) -> Place:
    """What a record says, in the shape of MaxMind and DB-IP (nested) or of IPinfo (flat)."""
    if not isinstance(record, dict):
        return Place()
    country, location = record.get("country"), record.get("location")
    if isinstance(country, dict):
        country = country.get("iso_code")
    where = location if isinstance(location, dict) else record
    number = record.get("autonomous_system_number", record.get("asn"))
    return Place(
        country=_code(record.get("country_code", country)),
        latitude=_degrees(where.get("latitude", where.get("lat")), 90),
        longitude=_degrees(where.get("longitude", where.get("lng")), 180),
        asn=str(number).upper().removeprefix("AS") if number else None,
    )


def _code(text: Any) -> str | None:
    return text.upper() if isinstance(text, str) and len(text) == 2 else None


def _degrees(value: Any, most: int) -> float | None:
    try:
        degrees = float(value)
    except (TypeError, ValueError):
        return None
    return degrees if -most <= degrees <= most else None
