"""The picture of a back-test: a cell for each rule and day, darker where more alerts would have been raised.

Promise: one SVG without script or network that says in words what it shows; the same figures give the same bytes.
The numbers stand in the table.
"""

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from typing import Any

import vl_convert

from warehouse.detections.backtest import BackTest
from warehouse.detections.levels import LEVELS
from warehouse.wire.windows import Window

_ROW, _WIDTH = 18, 820
_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"


def chart(tests: Sequence[BackTest], window: Window) -> str:
    """SVG with a row for each rule that raised anything, in order of level, and a column for each UTC day."""
    loud = sorted(
        (test for test in tests if test.alerts), key=lambda one: (LEVELS.index(one.rule.level), -one.alerts)
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
    total = sum(test.alerts for test in loud)
    last = (window.end - timedelta(microseconds=1)).date()
    title = f"{total:,} alerts of {len(loud)} rules, {days[0]} to {last}; {len(tests) - len(loud)} rules silent"
    spec: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": title, "anchor": "start", "font": _FONT, "fontSize": 14, "offset": 10},
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
                "axis": axis | {"format": "%d %b", "tickCount": _ticks(window)},
            },
            "x2": {"field": "to"},
            "y": {"field": "rule", "type": "nominal", "sort": names, "axis": axis | {"labelLimit": 420}},
            "color": {
                "field": "alerts",
                "type": "quantitative",
                "scale": {"type": "sqrt", "domain": [0, top], "range": ["#fde9d0", "#c8501e"]},
                "legend": {"title": "alerts a day", "orient": "bottom", "format": "d", "values": _steps(top)},
            },
        },
    }
    told = escape(f"{title}. A row for each rule, a column for each day, darker with more alerts.")
    return str(vl_convert.vegalite_to_svg(spec)).replace("<svg ", f'<svg role="img" aria-label="{told}" ', 1)


def _ticks(window: Window) -> str:
    """What is named on the axis: days, the Sundays of some months, or months."""
    days = (window.end - window.start).days
    return "day" if days <= 14 else "week" if days <= 120 else "month"


def _steps(top: int) -> list[int]:
    """Numbers for the legend that stand apart on a scale of square roots."""
    return sorted({1, max(1, round(top / 4)), top})
