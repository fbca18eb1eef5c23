"""The tenants, installations and command line of the promises; and a month of cost, pulled once for all who begin
with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.joins.chargeback import FEBRUARY, MARCH_BEGUN, Installation, copied, installed
from tests.promises.conftest import Command, ledgerline, past, site, standing, tenant

__all__ = ["Command", "ledgerline", "past", "site", "standing", "tenant"]


@pytest.fixture(scope="session")
def february(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation on 4 March: February is pulled, and each actor but two has a cost centre."""
    with installed(tmp_path_factory.mktemp("february") / "site", MARCH_BEGUN) as made:
        made.pull(FEBRUARY)
        made.map_actors(leave_out=2)
    return made.site.folder


@pytest.fixture
def company(february: Path, tmp_path: Path) -> Iterator[Installation]:
    """The same with a tenant of its own, which it may take into another time."""
    with copied(february, tmp_path / "site", MARCH_BEGUN) as made:
        yield made
