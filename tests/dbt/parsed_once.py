"""dbt's project parsed once in each process of the tests: most of what a small build costs is the parsing.

Promise: nothing but the time differs. A manifest serves again only for the same files, target, batch and
name of the database; each run has a copy of its own; what cannot be parsed goes the way it goes without this.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse.tables.marts import build
from warehouse.tables.marts.project import fingerprint


@contextmanager
def parsing_once() -> Iterator[None]:
    """While this lasts, builds of the marts in this process share what dbt has parsed."""
    real, runners = build.run_dbt, []

    def run_dbt(*given: Any, **how: Any) -> Any:
        from dbt.cli import main  # three seconds that only a build should pay

        if not runners:
            runners.append(main.dbtRunner)
            setattr(main, main.dbtRunner.__name__, _remembering(main.dbtRunner))
        return real(*given, **how)

    build.run_dbt = run_dbt
    try:
        yield
    finally:
        build.run_dbt = real
        for runner in runners:
            from dbt.cli import main

            main.dbtRunner = runner


def _remembering(runner: Any) -> Any:
    parsed: dict[tuple[str, ...], Any] = {}

    class Remembering(runner):  # type: ignore[misc]
        def invoke(self, args: list[str], **kwargs: Any) -> Any:
            common = args[args.index("--project-dir") :]
            key = _key(common)
            if key not in parsed:
                made = runner().invoke(["parse", *common])
                if made.success:
                    parsed[key] = made.result
            self.manifest = parsed[key].deepcopy() if key in parsed else None
            return super().invoke(args, **kwargs)

    return Remembering


def _key(common: list[str]) -> tuple[str, ...]:
    given = dict(zip(common[::2], common[1::2], strict=False))
    project = given["--project-dir"]
    name = Path(os.environ["LEDGERLINE_DBT_DUCKDB"]).stem
    return project, fingerprint(Path(project)), given["--target"], os.environ["LEDGERLINE_DBT_BATCH"], name
