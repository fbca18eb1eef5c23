"""A text as a SQL literal or a SQL name, for the statements that are made here of names, paths and values.

Promise: whatever the text, what comes out is one literal or one name, in DuckDB's, Athena's and Trino's SQL alike.
"""

import re


def literal(text: str) -> str:
    """The text between single quotes, each quote in it doubled."""
    return "'" + text.replace("'", "''") + "'"


def identifier(text: str) -> str:
    """A name of a schema, table or column, between double quotes where it has to be."""
    return text if re.fullmatch(r"[a-z_][a-z0-9_]*", text) else '"' + text.replace('"', '""') + '"'
