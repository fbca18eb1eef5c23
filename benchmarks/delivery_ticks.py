"""From the tick to an alert that the receiver has acknowledged: the five-minute job, run after run."""

import os
import tempfile
from pathlib import Path
from statistics import median, quantiles

from benchmarks.delivery_receiver import Sink
from benchmarks.harness import Failed, module, tenant
from benchmarks.report import Aim, Table
from benchmarks.tail_setup import FIRST_TICK, TICK

_MEASURES = """\
{ticks} runs of the job `audit_tail`, each a process of its own as Dagster's run worker is one, from its start
to its end: pull, fold, {rules} rules, delivery of the alerts to the receiver, checks. A feed of {per_day:,}
events a day; a rule of the benchmark's own sees to it that every run has alerts ({alerts:,.0f} at the median).
The clock is simulated. Not in it: what the scheduler takes to start the process."""
_RULE = """\
title: A chat was created (benchmark)
id: 3f1d2c4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f
status: test
description: Raised by nearly every window, so that each run has something to deliver.
author: Ledgerline
date: '2026-11-28'
logsource:
  product: anthropic
  service: audit
detection:
  created:
    type: claude_chat_created
  condition: created
falsepositives:
  - All of them
level: low
tags:
  - attack.collection
ledgerline:
  why: It measures how long an alert is on its way.
  runbook:
    - Nothing is to be done.
  controls:
    - SOC2 CC7.2
  'true':
    - - type: claude_chat_created
  'false':
    - - type: claude_chat_viewed
"""


def measure_ticks(to: Sink, *, smoke: bool) -> Table:
    """The table; runs are as many as the day has room for in a full run."""
    commits, ticks, per_day = (2, 1, 2_880) if smoke else (24, 20, 57_600)
    took, delivered = [], []
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(scratch)
        with tenant(per_day=per_day, days=1, now=f"{FIRST_TICK:%Y-%m-%dT%H:%M:%SZ}") as one:
            keys = {"LEDGERLINE_COMPLIANCE_KEY": one.key, "BENCH_KEY": "fake"}
            given = ["--url", one.url, "--folder", os.fspath(folder), "--step", "newest", "--ticks", str(commits)]
            module("tail_history", *given, env=keys)
            _configure(folder, to)
            for tick in range(ticks + 1):  # the first takes what the history raised, and is not counted
                moment = FIRST_TICK + (tick + 1) * TICK
                one.ask("clock", {"now": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
                run = module("delivery_tick", moment.isoformat(), os.fspath(folder), env=keys)
                if not run.said["delivered"]:
                    raise Failed(f"the run at {moment:%H:%M} delivered no alert")
                if tick:
                    took.append(run.wall)
                    delivered.append(run.said["delivered"])
    table = Table("Tick to acknowledged alert", ["runs", "median s", "p95 s", "slowest s"])
    p95 = quantiles(took, n=20, method="inclusive")[18] if len(took) > 1 else took[0]
    table.rows.append((len(took), median(took), p95, max(took)))
    table.measures = _MEASURES.format(
        ticks=ticks, rules=run.said["rules"], per_day=per_day, alerts=median(delivered)
    )
    table.aims.append(Aim("Tick to acknowledged alert, p95", p95, 15, at_most=True, ratio=False, unit=" s"))
    return table


def _configure(folder: Path, to: Sink) -> None:
    rules = folder / "rules"
    rules.mkdir()
    (rules / "benchmark.yml").write_text(_RULE)
    with (folder / "ledgerline.toml").open("a") as config:
        config.write(
            f'[detections]\nrules = ["{rules}"]\n[[destinations]]\nname = "soc"\ntype = "elastic"\n'
            f'slice = "alerts"\nurl = "{to.url}"\napi_key = "env:BENCH_KEY"\n'
        )
