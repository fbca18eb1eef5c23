"""The picture of a back-test: a cell for each rule and day, darker where more alerts would have been raised.

Promise: one SVG without script or network; the same figures give the same bytes. The numbers stand in the table.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import vl_convert

from warehouse.detections.backtest import BackTest
from warehouse.wire.windows import Window

_ROW, _WIDTH = 18, 820
_LEVELS = ("critical", "high", "medium", "low", "informational")
_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"


def chart(tests: Sequence[BackTest], window: Window) -> str:
    """SVG with a row for each rule that raised anything, in order of level, and a column for each UTC day."""
    loud = sorted(
        (test for test in tests if test.alerts), key=lambda one: (_LEVELS.index(one.rule.level), -one.alerts)
    )
    names = [f"{test.rule.title} ({test.rule.level})" for test in loud]
    cells = [
        {"rule": name, "from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat(), "alerts": count}
        for name, test in zip(names, loud, strict=True)
        for day, count in test.days.items()
    ]
    top = max((test.worst_day for test in loud), default=1)
    axis = {"labelFont": _FONT, "labelFontSize": 12, "title": None, "domain": False, "ticks": False}
    after = (
        window.end + timedelta(days=1) - timedelta(microseconds=1)
    ).date()  # the midnight that ends the last day
    days = [window.start.date().isoformat(), after.isoformat()]
    spec: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": {"step": _ROW},
        "background": "white",
        "config": {"view": {"stroke": "#d7dce2"}, "legend": {"labelFont": _FONT, "titleFont": _FONT}},
        "data": {"values": cells},
        "mark": {"type": "rect", "cornerRadius": 1},
        "encoding": {
            "x": {
                "field": "from",
                "type": "temporal",
                "scale": {"domain": days},
                "axis": axis | {"format": "%d %b"},
            },
            "x2": {"field": "to"},
            "y": {"field": "rule", "type": "nominal", "sort": names, "axis": axis | {"labelLimit": 420}},
            "color": {
                "field": "alerts",
                "type": "quantitative",
                "scale": {"type": "sqrt", "domain": [0, top], "range": ["#fde9d0", "#c8501e"]},
                "legend": {"title": "alerts a day", "orient": "bottom", "format": "d", "tickCount": 4},
            },
        },
    }
    return str(vl_convert.vegalite_to_svg(spec))
