"""The days of the archive that is delivered from; who only sends is not to load what builds it."""

from datetime import date

FIRST = date(2026, 8, 1)
