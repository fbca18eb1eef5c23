"""The charts of the report, drawn once as SVG that stands in the page: no script, no network.

Promise: the same figures give the same bytes; names are data. The exact figures are in the table under each chart:
only bars are drawn from floats. The charts are written in Vega-Lite itself, which is all that Altair would add.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import vl_convert

from warehouse.finops.money import EXACT, ZERO, total
from warehouse.finops.report import Report, is_unallocated
from warehouse.finops.shown import shown

_WIDTH, _BAR = 640, 13
_DEAREST = 10
_LAYERS = 5
# blue, orange, green, rose, yellow: told apart by those who do not see red from green (Okabe and Ito)
_COLORS = ("#0b5c8f", "#d9822b", "#2f8f6b", "#c06c9c", "#c9b037")
_GREY, _PALE = "#8d97a5", "#b9c6d3"
_CONFIG: dict[str, Any] = {
    "font": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13, "labelColor": "#1d2430", "domainColor": "#aab3be", "gridColor": "#e6eaee",
        "ticks": False, "labelPadding": 6, "title": None, "labelLimit": 170,
    },
    "legend": {"labelFontSize": 13, "title": None, "orient": "top", "labelLimit": 170, "symbolType": "square"},
}  # fmt: skip


def centers_chart(report: Report) -> str:
    """What the dearest centres cost, beside last month; empty where nothing costs anything."""
    pairs = [(_name(one.name), one.now, one.before) for one in report.centers]
    return _beside(report, pairs, "others")


def models_chart(report: Report) -> str:
    """What the dearest models cost, beside last month."""
    pairs = [(_name(one.cost.name), one.cost.now, one.cost.before) for one in report.models]
    return _beside(report, pairs, "other models")


def months_chart(report: Report) -> str:
    """What the months cost, in layers of the dearest centres; empty where there is one month only."""
    if len(report.months) < 2:
        return ""
    named = [one.name for one in report.centers if not is_unallocated(one.name)][: _LAYERS - 1]
    rows, order = [], [*named, "UNALLOCATED", "other centres"]
    for month in report.months:
        rest = ZERO
        for center, amount in month.by_center().items():
            if center in named or is_unallocated(center):
                rows.append({"month": str(month.period), "centre": shown(center), "usd": float(amount)})
            else:
                rest = EXACT.add(rest, amount)
        if rest:
            rows.append({"month": str(month.period), "centre": "other centres", "usd": float(rest)})
    present = {row["centre"] for row in rows}
    layers = [name for name in dict.fromkeys(shown(str(one)) for one in order) if name in present]
    colors = [_GREY if name == "UNALLOCATED" else _PALE if name == "other centres" else "" for name in layers]
    hues = iter(_COLORS)
    return _svg(
        {
            "data": {"values": rows},
            "width": _WIDTH,
            "height": 300,
            "mark": {"type": "bar", "size": min(60, 380 // len(report.months))},
            "encoding": {
                "x": {
                    "field": "month",
                    "type": "ordinal",
                    "axis": {"labelAngle": -40 if len(report.months) > 7 else 0},
                },
                "y": {"field": "usd", "type": "quantitative", "axis": {"format": "~s", "tickCount": 5}},
                "color": {
                    "field": "centre",
                    "type": "nominal",
                    "scale": {"domain": layers, "range": [color or next(hues) for color in colors]},
                    "legend": {"columns": 3},
                },
                "order": {"field": "place", "type": "quantitative"},
            },
            "transform": [{"calculate": f"indexof({_listed(layers)}, datum.centre)", "as": "place"}],
        }
    )


def _beside(report: Report, pairs: Sequence[tuple[str, Decimal, Decimal | None]], rest: str) -> str:
    """Bars of this month with those of the last one under them."""
    pairs = [pair for pair in pairs if pair[1] or pair[2]]
    if not pairs:
        return ""
    drawn, left = list(pairs[:_DEAREST]), pairs[_DEAREST:]
    if left:
        before = [one[2] for one in left]
        old = None if None in before else total(one for one in before if one is not None)
        drawn.append((f"{len(left)} {rest}", total(one[1] for one in left), old))
    now, last = str(report.period), str(report.before)
    rows: list[dict[str, Any]] = []
    for place, (name, amount, old) in enumerate(drawn):
        # the place goes before the name so that two names shown alike stay two bars
        row = {"place": place, "name": name}
        rows.append(row | {"month": now, "usd": float(amount)})
        if old is not None:
            rows.append(row | {"month": last, "usd": float(old)})
    months = [now, last] if report.before else [now]
    return _svg(
        {
            "data": {"values": rows},
            "width": _WIDTH,
            "height": {"step": _BAR},
            "mark": {"type": "bar"},
            "encoding": {
                "y": {
                    "field": "place",
                    "type": "ordinal",
                    "scale": {"paddingInner": 0.35},
                    "axis": {"labelExpr": f"{_listed([name for name, _, _ in drawn])}[datum.value]"},
                },
                "yOffset": {"field": "month", "sort": months},
                "x": {"field": "usd", "type": "quantitative", "axis": {"format": "~s", "tickCount": 5}},
                "color": {
                    "field": "month",
                    "type": "nominal",
                    "scale": {"domain": months, "range": [_COLORS[0], _PALE]},
                },
            },
        }
    )


def _name(name: str | None) -> str:
    return "(none)" if name is None else shown(name)


def _listed(names: Sequence[str]) -> str:
    """Texts as an array of Vega's expressions: every letter that is not plain as an escape."""
    quoted = ("".join(c if c.isascii() and c.isalnum() else "".join(_units(c)) for c in name) for name in names)
    return "[" + ",".join(f"'{name}'" for name in quoted) + "]"


def _units(letter: str) -> list[str]:
    body = letter.encode("utf-16-be")
    return [f"\\u{body[place]:02x}{body[place + 1]:02x}" for place in range(0, len(body), 2)]


def _svg(chart: dict[str, Any]) -> str:
    whole = {"autosize": {"type": "fit-x", "contains": "padding"}, "background": None, "config": _CONFIG} | chart
    drawn: str = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    # in a page the names of the name spaces are understood; without them no address is in it
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", drawn, count=2)
