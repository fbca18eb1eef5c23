"""A tenant that stands at one moment, and a pipeline over it."""

import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

warnings.filterwarnings("ignore", category=dg.BetaWarning)

from sandbox import Served, Tenant, serve  # noqa: E402
from tests.assets.pipeline import Pipeline  # noqa: E402

NOW = "2026-11-22T10:00:00Z"


@pytest.fixture
def served() -> Iterator[Served]:
    """Five people, whose feed began on the 17th; it is the 22nd, ten o'clock."""
    with serve(Tenant(seed=11, users=5, days=5, clock=NOW, rate_limit=0)) as running:
        yield running


@pytest.fixture
def pipeline(served: Served, tmp_path: Path) -> Pipeline:
    return Pipeline(served, tmp_path, date(2026, 11, 17))
