"""What the archive's columns mean, as data for the Dagster UI (`assets/column_words.csv`), in the words of the
reference of the tables.

Promise: what is a link on a page is its text here.
"""

import csv
import io
import re

from docs.site.tables_page import archive_tables

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def written() -> str:
    """The file: a line for each table, column and meaning; a table that is like another has lines of its own."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("table", "column", "meaning"))
    for table in archive_tables():
        for name in (table.name, *(one for one in table.alike if not one.endswith(")"))):
            rows.writerows((name, column, _plain(meaning)) for column, _, meaning in table.columns)
    return out.getvalue()


def _plain(meaning: str) -> str:
    return _LINK.sub(r"\1", meaning).replace("\\|", "|")
