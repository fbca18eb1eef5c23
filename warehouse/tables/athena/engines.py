"""What differs between Athena and the Trino under it, as far as the catalogue is concerned.

Athena makes external tables in Hive's words, and knows times of Hive tables to the millisecond; Trino makes them
in its own words, and reads them to the microsecond where it is told to (`hive.timestamp-precision=MICROSECONDS`).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Engine:
    """`time`: the type that views give to moments they make from text."""

    name: str
    time: str


ENGINES: Final = {
    "athena": Engine("athena", time="timestamp(3)"),
    "trino": Engine("trino", time="timestamp(6)"),
}
