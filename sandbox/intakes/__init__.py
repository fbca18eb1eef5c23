"""Pretend receivers of events, strict where the real ones are lenient, over real HTTP on loopback.

from sandbox.intakes import serve_intakes
with serve_intakes("splunk", "elastic") as served:
    served.settings["splunk"]               # url and credential for a sender
    served["splunk"].faults.on("error", next=2)
    served["splunk"].ids(), served["splunk"].violations
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.intakes.app import Intakes
from sandbox.intakes.intake import Intake
from sandbox.intakes.registry import INTAKES
from sandbox.server import in_thread

__all__ = ["INTAKES", "Intake", "Intakes", "ServedIntakes", "serve_intakes"]


@dataclass(frozen=True, slots=True)
class ServedIntakes:
    """Running intakes: their address, what a sender must know of each, and the intakes themselves."""

    url: str
    intakes: Intakes

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        return self.intakes.settings(self.url)

    def __getitem__(self, name: str) -> Intake:
        return self.intakes[name]


@contextmanager
def serve_intakes(*names: str, port: int = 0, **settings: Any) -> Iterator[ServedIntakes]:
    """Serve the named intakes (all without a name) from a thread.

    settings: what each of them is made with (`clock`, `seed`). Raises as `serve` does.
    """
    intakes = Intakes(names or None, **settings)
    with in_thread(intakes, port) as url:
        yield ServedIntakes(url, intakes)
