"""The marts are the same on a real Trino as in DuckDB, model by model and row by row; `-rP` shows the table."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestration.stack.trino_side import build_marts
from tests.real import marts_on_trino
from tests.real.marts_on_trino import Compared, Model, models
from tests.real.two_engines import SEALED, House

pytestmark = pytest.mark.real
pytest.importorskip("duckdb_extension_httpfs")
pytest.importorskip("trino")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Path]]:
    with marts_on_trino.built(tmp_path_factory.mktemp("marts")) as made:
        yield made


@pytest.fixture(scope="module")
def compared(built: tuple[House, Path]) -> dict[Model, Compared]:
    return {one.model: one for one in marts_on_trino.compare(*built)}


def test_there_is_something_to_compare_in_every_model(compared: dict[Model, Compared]) -> None:
    assert [one.model.name for one in compared.values() if one.rows[0] == 0] == []


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_a_model_has_the_same_rows(compared: dict[Model, Compared], model: Model) -> None:
    one = compared[model]
    assert (one.rows[1], one.different) == (one.rows[0], [])
    assert one.digests[0] == one.digests[1]
    print(one.line)


def test_days_that_are_built_again_are_there_once(built: tuple[House, Path], tmp_path: Path) -> None:
    """What dbt-trino deletes and inserts for each day is what a whole build makes."""
    house, file = built
    days = (SEALED[0], SEALED[1] + timedelta(days=1))
    incremental = "config.materialized:incremental"
    build_marts(house.trino, tmp_path, days, archive="archive", batch="day", select=incremental)
    different = {one.model.name: one.different for one in marts_on_trino.compare(house, file) if one.different}
    assert different == {}
