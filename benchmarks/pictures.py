"""The pictures of docs/benchmarks.md: every target as near or far as it was, ours beside peers, memory under load.

Promise: drawn from the figures that stand on the page and from nothing else; each SVG, without script or network,
says in words what it shows and carries the digest of its figures, by which tests/docs holds it to the page.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import vl_convert

TITLE = "## In pictures"
_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
_MET, _MISSED, _PEER, _OTHER = "#2a6f97", "#c8501e", "#9aa5b1", "#d9c27e"
_FARTHEST = 32.0  # what is further from its target stands at the edge
_WIDTH = 620
_NUMBER = re.compile(r"[\d.,]+")
_AXIS = {
    "labelFont": _FONT,
    "titleFont": _FONT,
    "labelFontSize": 11,
    "titleFontSize": 11,
    "titleFontWeight": "normal",
}
Row = Mapping[str, str]
# What each picture shows, as the page and the picture itself say it.
TOLD = {
    "targets": "Every target with its figure: right of the line it was met, by so many times; left of it, missed.",
    "peers": "Records or events a second, ours beside the bare loop and the others of the same run.",
    "load": "The most memory of each stage, of the largest day and of days on end; the line is the target.",
}


def section() -> str:
    """The page's section with the pictures."""
    shown = "\n\n".join(f"![{told}](images/{file_name(name)})" for name, told in TOLD.items())
    return f"{TITLE}\n\nDrawn by `python -m benchmarks.targets` from the tables of this page.\n\n{shown}\n\n"


def file_name(name: str) -> str:
    return f"benchmarks-{name}.svg"


def specs(text: str, lines: Sequence[Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """What each picture is drawn of, in Vega-Lite. `text`: the page; `lines`: its targets (section, what, value,
    target, verdict)."""
    return {"targets": _targets(lines), "peers": _peers(text), "load": _load(text)}


def digest_of(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def write(text: str, lines: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Draw those whose figures changed."""
    folder.mkdir(exist_ok=True)
    for name, spec in specs(text, lines).items():
        place, mark = folder / file_name(name), f'data-figures="{digest_of(spec)}"'
        if not place.exists() or mark not in place.read_text(encoding="utf-8"):
            told = f'<svg role="img" aria-label="{escape(TOLD[name])}" {mark} '
            place.write_text(_svg(spec).replace("<svg ", told, 1) + "\n", encoding="utf-8")


def _svg(spec: Mapping[str, Any]) -> str:
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "config": {
            "view": {"stroke": "#d7dce2"},
            "axis": _AXIS,
            "legend": {"labelFont": _FONT, "titleFont": _FONT},
            "header": {"labelFont": _FONT, "titleFont": _FONT, "labelFontSize": 12, "labelFontWeight": "bold"},
        },
    }
    return str(vl_convert.vegalite_to_svg(whole | spec))


def table_of(text: str, title: str) -> list[Row]:
    """The rows of the table of the page's section whose title begins so, by column."""
    found = next((one for one in text.split("\n## ") if one.startswith(title)), "")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in found.split("\n") if line[:2] == "| "
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]] if rows else []


def _number(text: str) -> float | None:
    found = _NUMBER.search(text)
    return float(found[0].replace(",", "")) if found else None


def _targets(lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    points = []
    for line in lines:
        value, target = _number(line["value"]), _number(line["target"])
        if value is None or not target:  # open, or a target of none at all
            continue
        times = target / value if "at most" in line["target"] and value else value / target
        aim = " (aim)" if "*aim*" in line["target"] else ""
        points.append(
            {
                "what": f"{line['section'].partition(':')[0]}: {line['what']}{aim}".replace("`", ""),
                "times": round(min(max(times, 1 / _FARTHEST), _FARTHEST), 4),
                "verdict": "missed" if "missed" in line["verdict"] else "met",
            }
        )
    points.sort(key=lambda one: (one["times"], one["what"]))
    marks = {"domain": ["met", "missed"]}
    return {
        "data": {"values": points},
        "width": _WIDTH,
        "height": {"step": 15},
        "layer": [
            {"mark": {"type": "rule", "color": "#555"}, "encoding": {"x": {"datum": 1}}},
            {
                "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
                "encoding": {
                    "y": {
                        "field": "what",
                        "type": "nominal",
                        "sort": [one["what"] for one in points],
                        "axis": {
                            "title": None,
                            "labelLimit": 470,
                            "grid": True,
                            "gridColor": "#eef1f4",
                            "ticks": False,
                        },
                    },
                    "x": {
                        "field": "times",
                        "type": "quantitative",
                        "scale": {"type": "log", "domain": [1 / _FARTHEST, _FARTHEST], "nice": False},
                        "axis": {
                            "title": "times its target (further right is better)",
                            "values": [0.1, 0.25, 0.5, 1, 2, 4, 10, 30],
                            "format": "~g",
                            "orient": "top",
                        },
                    },
                    "color": {
                        "field": "verdict",
                        "scale": marks | {"range": [_MET, _MISSED]},
                        "legend": {"title": None, "orient": "bottom"},
                    },
                    "shape": {"field": "verdict", "scale": marks | {"range": ["circle", "diamond"]}},
                },
            },
        ],
    }


def _peers(text: str) -> dict[str, Any]:
    bars = [
        {"of": "ingest: records/s", "what": row["contender"], "rate": _number(row["records/s"]), "by": _side(row)}
        for row in table_of(text, "Ingest: wire")
    ]
    columns = {"ours": "events/s per core", "the bare loop": "bare loop", "another's client": "vendor's client"}
    for row in table_of(text, "Delivery to each"):
        bars += [
            {"of": "delivery: events/s per core", "what": row["destination"], "rate": rate, "by": by}
            for by, column in columns.items()
            if (rate := _number(row[column])) is not None
        ]
    order = list(columns)
    return {
        "data": {"values": bars},
        "facet": {
            "row": {"field": "of", "title": None, "sort": ["ingest: records/s", "delivery: events/s per core"]}
        },
        "resolve": {"scale": {"y": "independent", "x": "independent"}},
        "spec": {
            "width": _WIDTH,
            "height": {"step": 8},
            "mark": "bar",
            "encoding": {
                "y": {
                    "field": "what",
                    "type": "nominal",
                    "sort": None,
                    "scale": {"paddingInner": 0.3},
                    "axis": {"title": None, "labelLimit": 300},
                },
                "yOffset": {"field": "by", "sort": order},
                "x": {
                    "field": "rate",
                    "type": "quantitative",
                    "axis": {"title": None, "format": "~s", "tickCount": 6},
                },
                "color": {
                    "field": "by",
                    "sort": order,
                    "scale": {"domain": order, "range": [_MET, _PEER, _OTHER]},
                    "legend": {"title": None, "orient": "bottom"},
                },
            },
        },
    }


def _side(row: Row) -> str:
    what = row["contender"]
    return "the bare loop" if "bare" in what else "another's client" if what.startswith("dlt") else "ours"


def _load(text: str) -> dict[str, Any]:
    bars = []
    for title in ("Load: a very large tenant", "Load: days of a large tenant"):
        most: dict[str, float] = {}
        for row in table_of(text, title):
            most[row["stage"]] = max(most.get(row["stage"], 0.0), _number(row["peak MB"]) or 0.0)
        bars += [{"of": title.partition(": ")[2], "stage": stage, "MB": peak} for stage, peak in most.items()]
    return {
        "data": {"values": bars},
        "facet": {"row": {"field": "of", "title": None, "sort": None}},
        "spec": {
            "width": _WIDTH,
            "height": {"step": 18},
            "layer": [
                {
                    "mark": {"type": "bar", "color": _MET},
                    "encoding": {
                        "y": {"field": "stage", "type": "nominal", "sort": None, "axis": {"title": None}},
                        "x": {"field": "MB", "type": "quantitative", "axis": {"title": "most memory, MB"}},
                    },
                },
                {"mark": {"type": "rule", "color": _MISSED, "size": 2}, "encoding": {"x": {"datum": 2_000}}},
            ],
        },
    }
