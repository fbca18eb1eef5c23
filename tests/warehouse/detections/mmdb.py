"""Writes MMDB files that put the networks of the documentation at invented places.

`python -m tests.warehouse.detections.mmdb` writes the one that ships (`warehouse/detections/sample_places.mmdb`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from warehouse.detections.places import SAMPLE_FILE

# network: country, latitude, longitude, ASN (of RFC 5398)
PLACES = {
    "192.0.2.0/24": ("DE", 50.11, 8.68, 64496),
    "198.51.100.0/24": ("DE", 50.0, 8.27, 64497),
    "203.0.113.0/26": ("JP", 35.68, 139.69, 64498),
    "203.0.113.64/26": ("BR", -23.55, -46.63, 64499),
    "203.0.113.128/26": ("AU", -33.87, 151.21, 64500),
    "203.0.113.192/26": ("US", 39.74, -104.99, 64501),
    "2001:db8::/33": ("DE", 50.11, 8.68, 64496),
    "2001:db8:8000::/33": ("SG", 1.35, 103.82, 64502),
}


def city() -> dict[str, Any]:
    """Records as a City database has them."""
    return {
        network: {"country": {"iso_code": country}, "location": {"latitude": latitude, "longitude": longitude}}
        for network, (country, latitude, longitude, _) in PLACES.items()
    }


def asn() -> dict[str, Any]:
    """Records as an ASN database has them."""
    return {
        network: {"autonomous_system_number": number, "autonomous_system_organization": f"Example {number}"}
        for network, (*_, number) in PLACES.items()
    }


def both() -> dict[str, Any]:
    """Records of both."""
    networks = asn()
    return {network: record | networks[network] for network, record in city().items()}


def write(path: Path, records: Mapping[str, Any], kind: str = "Example-City") -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind, description=kind)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


if __name__ == "__main__":
    write(SAMPLE_FILE, both(), "Ledgerline-Sample-Places")
