"""Prices and sizes from a file: every one a decimal text, every one there, none too many."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from warehouse.capacity.errors import PricesRefused

OURS: Final = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Prices:
    """`price` in `currency` by name, as of a day, and `size`: what was measured. `source` is the file."""

    as_of: date
    currency: str
    price: Mapping[str, Decimal]
    size: Mapping[str, Decimal]
    source: str


def load_prices(path: Path | None = None) -> Prices:
    """Our own file, or another of the same form. Raises PricesRefused, naming every name that is wrong."""
    ours = _read(OURS)
    if path is None:
        return _prices(ours, ours, OURS)
    return _prices(_read(path), ours, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PricesRefused(f"{path} cannot be read: {error.strerror}", remedy="name a file of prices") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PricesRefused(
            f"{path} is no TOML: {error}", remedy="copy the file that is shipped and edit that"
        ) from None


def _prices(found: Mapping[str, Any], ours: Mapping[str, Any], path: Path) -> Prices:
    wrong: list[str] = []
    tables: dict[str, dict[str, Decimal]] = {}
    for table in ("prices", "sizes"):
        given = found.get(table)
        given = given if isinstance(given, dict) else {}
        wrong += [f"{table}.{name} is missing" for name in ours[table] if name not in given]
        wrong += [f"{table}.{name} is not known" for name in given if name not in ours[table]]
        tables[table] = {name: _amount(f"{table}.{name}", value, wrong) for name, value in given.items()}
    if not isinstance(found.get("as_of"), date):
        wrong.append("as_of is no date")
    if not isinstance(found.get("currency"), str):
        wrong.append("currency is missing")
    if wrong:
        raise PricesRefused(f"{path}: {'; '.join(wrong)}", remedy="copy the file that is shipped and edit that")
    return Prices(found["as_of"], found["currency"], tables["prices"], tables["sizes"], path.name)


def _amount(name: str, value: Any, wrong: list[str]) -> Decimal:
    """A decimal text from 0 on; a TOML float is refused, since it is no longer what was written."""
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        wrong.append(f'{name} is no amount in quotes, such as "0.023"')
        return Decimal(0)
    return amount
