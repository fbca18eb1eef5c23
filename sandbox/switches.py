"""What a fault switch is, the vendor's or a receiver's: how often it fires, and for how long.

Promise: a switch fires with a probability or for the next N; draws come from a seed, so a run repeats itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from random import Random
from threading import Lock
from typing import Any, ClassVar, Generic, Self, TypeVar


class FaultError(ValueError):
    """A fault was described in a way that nobody can carry out; the message says what would be right."""


@dataclass(slots=True)
class Switch:
    """One switch that is on.

    probability: chance per request (or record); next: how many more it hits; skip: how many pass unharmed first;
    seconds, status: the fault's own size.
    """

    TEXTS: ClassVar[frozenset[str]] = frozenset({"kind"})
    FRACTIONS: ClassVar[frozenset[str]] = frozenset({"probability", "seconds"})

    kind: str
    probability: float = 1.0
    next: int | None = None
    skip: int = 0
    seconds: float | None = None
    status: int | None = None

    @classmethod
    def checked(cls, description: dict[str, Any], known: dict[str, str]) -> Self:
        """A switch from its JSON form; `known` are the kinds there are. Raises FaultError."""
        kind = description.get("kind")
        if kind not in known:
            raise FaultError(f"unknown fault {kind!r}; known are {', '.join(known)}")
        names = [field.name for field in fields(cls)]
        unknown = set(description) - set(names)
        if unknown:
            raise FaultError(f"{kind}: unknown setting {sorted(unknown)}; known are {', '.join(names)}")
        fault = cls(**{name: cls._coerce(kind, name, value) for name, value in description.items()})
        if not 0 <= fault.probability <= 1:
            raise FaultError(f"{kind}: probability must be from 0 to 1, not {fault.probability}")
        return fault

    @classmethod
    def _coerce(cls, kind: str, name: str, value: Any) -> Any:
        if value is None or name in cls.TEXTS:
            return value
        try:
            return float(value) if name in cls.FRACTIONS else int(value)
        except (TypeError, ValueError):
            raise FaultError(f"{kind}: {name} must be a number, not {value!r}") from None

    def describe(self) -> dict[str, Any]:
        """The JSON form, without settings that are not set."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


S = TypeVar("S", bound=Switch)


class Switches(Generic[S]):
    """The switches that are on. Safe to change from another thread while a server runs."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._on: list[S] = []
        self._lock = Lock()

    def add(self, fault: S) -> None:
        with self._lock:
            self._on.append(fault)

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._on.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.describe() for fault in self._on]

    def _fires(self, fault: S) -> bool:
        """Whether it hits this time, which is counted. Under the lock."""
        if fault.next == 0:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.next is not None:
            fault.next -= 1
        return True


def described(kind: str, settings: list[str]) -> dict[str, Any]:
    """The JSON form of `kind:0.05` or `kind:next=3:skip=1`, split at its colons."""
    description: dict[str, Any] = {"kind": kind}
    for setting in settings:
        name, equals, value = setting.partition("=")
        description |= {name: value} if equals else {"probability": name}
    return description
