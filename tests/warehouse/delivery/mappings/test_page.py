"""docs/mappings.md is made from the tables, and the tables' version is frozen."""

import hashlib

from warehouse.delivery.mappings import page
from warehouse.delivery.mappings.canonical import MAPPING_VERSION
from warehouse.delivery.mappings.tables import HERE

# Mapping version -> SHA-256 over the tables. Rules in a SIEM are written for a version, so a changed table needs a
# new one (`MAPPING_VERSION` in canonical.py) and a new line here. What has been released is never altered.
FROZEN = {"2026-11-01": "224e0410a01245d61e7d41de8ad075ed23c649f7e319e9e87d0281aab0097fd6"}


def test_the_committed_page_is_what_the_tables_say():
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), "run python -m warehouse.delivery.mappings.page"


def test_a_changed_table_has_a_new_version():
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    assert FROZEN[MAPPING_VERSION] == digest.hexdigest()
