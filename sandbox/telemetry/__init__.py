"""Developers' machines with Claude Code on them: sessions of the tenant's people, sent as genuine OTLP over HTTP.

Promise: what a machine estimates follows from the same lines as the cost report, at list price; its own sums are
told.
"""

from sandbox.telemetry.machines import Totals, play

__all__ = ["Totals", "play"]
