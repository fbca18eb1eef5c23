"""A text as a SQL literal, for the statements that are made here of names, paths and values.

Promise: whatever the text, what comes out is one literal, in DuckDB's, Athena's and Trino's SQL alike.
"""


def literal(text: str) -> str:
    """The text between single quotes, each quote in it doubled."""
    return "'" + text.replace("'", "''") + "'"
