"""The files of a statement on disk. Knows no Dagster."""

from pathlib import Path

from warehouse.finops.journal import journal_of
from warehouse.finops.statement import Statement


def write_statement(statement: Statement, folder: Path) -> list[Path]:
    """Write `statement.json`, `statement.csv` and `journal.csv` into a folder; returns their paths."""
    bodies = {
        "statement.json": statement.to_json(),
        "statement.csv": statement.to_csv(),
        "journal.csv": journal_of(statement).to_csv(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    return [folder / name for name in bodies]
