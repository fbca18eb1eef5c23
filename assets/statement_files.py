"""The files of a statement on disk: of the month as a whole, and one for each cost centre. Knows no Dagster.

Promise: a name of a centre never becomes part of a path; the files of centres are numbered, and an index says
whose is which.
"""

from pathlib import Path

from warehouse.finops.customer_files import Number, csv_bytes
from warehouse.finops.journal import journal_of
from warehouse.finops.money import text
from warehouse.finops.pdf import center_statement, missing, pdf_bytes
from warehouse.finops.statement import Statement
from warehouse.finops.workbook import workbook

CENTERS = "centers"


def write_statement(statement: Statement, folder: Path, *, pdf: bool = True) -> list[Path]:
    """Write `statement.json`, `.csv` and `.xlsx`, `journal.csv`, and below `centers/` one CSV for each centre with
    `index.csv` over them, and one PDF each with `pdf`, where it can be made (`pdf.missing` says what it needs);
    returns the paths. Files of centres that an earlier statement left there are removed."""
    bodies = {
        "statement.json": statement.to_json(),
        "statement.csv": statement.to_csv(),
        "statement.xlsx": workbook(statement),
        "journal.csv": journal_of(statement).to_csv(),
        **_of_centers(statement),
        **(_printed(statement) if pdf and missing() is None else {}),
    }
    (folder / CENTERS).mkdir(parents=True, exist_ok=True)
    for path in (folder / CENTERS).glob("[0-9]*.*"):
        if f"{CENTERS}/{path.name}" not in bodies:
            path.unlink()
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    return [folder / name for name in bodies]


def center_files(statement: Statement) -> dict[str, str]:
    """The file of each centre, from the folder of the statement."""
    return {center: f"{CENTERS}/{number:03d}.csv" for number, center in enumerate(statement.by_center(), start=1)}


def _printed(statement: Statement) -> dict[str, bytes]:
    return {
        f"{name.removesuffix('.csv')}.pdf": pdf_bytes(center_statement(statement, center))
        for center, name in center_files(statement).items()
    }


def _of_centers(statement: Statement) -> dict[str, bytes]:
    bodies, index, names = {}, [], center_files(statement)
    for center, amount in statement.by_center().items():
        bodies[names[center]] = statement.to_csv(center)
        index.append((names[center].removeprefix(f"{CENTERS}/"), center, Number(text(amount, 2))))
    return {f"{CENTERS}/index.csv": csv_bytes(("file", "cost_center", "billed"), index), **bodies}
