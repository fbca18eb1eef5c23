"""The sandbox's command line: `python -m sandbox serve`, `intakes` and `play`.

One JSON line on stdout when it is ready (or done), everything else on stderr; exit 0 stopped cleanly, 2 could
not run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.clock import Clock
from sandbox.faults import RECORD_FAULTS, REQUEST_FAULTS, parse_faults
from sandbox.intakes import INTAKES, Intakes
from sandbox.intakes.faults import FAULTS
from sandbox.intakes.faults import parse as parse_intake_faults
from sandbox.server import HOST, run, run_app
from sandbox.switches import FaultError
from sandbox.telemetry import play
from sandbox.tenant.quirks import QUIRKS
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import World

# The variables that Ledgerline documents, and which key each takes.
_VARIABLES = {
    "LEDGERLINE_COMPLIANCE_KEY": "compliance",
    "LEDGERLINE_ANALYTICS_KEY": "analytics",
    "LEDGERLINE_DIRECTORY_KEY": "directory",
    "LEDGERLINE_ORGANIZATION_KEY": "org_data",
    "LEDGERLINE_SPEND_LIMITS_KEY": "spend_limits",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (0 stopped cleanly, 2 could not run)."""
    options = _parser().parse_args(argv)
    return {"intakes": _intakes, "play": _play, "serve": _serve}[options.command](options)


def _play(options: argparse.Namespace) -> int:
    first, last = date.fromisoformat(options.first), date.fromisoformat(options.last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    headers = {"authorization": f"Bearer {token}"} if (token := os.environ.get(options.token_env)) else None
    try:
        totals = play(World(options.seed, options.users), days, options.url, headers, quiet=options.quiet)
    except httpx.HTTPError as problem:
        print(f"sandbox: {options.url} does not take telemetry: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(totals.as_dict()), flush=True)
    return 0


def _intakes(options: argparse.Namespace) -> int:
    names = [name for name in options.only.split(",") if name] or None
    try:
        intakes = Intakes(names, seed=options.seed, bodies=not options.no_bodies)
        for name, fault in parse_intake_faults(options.faults):
            intakes[name].faults.on(**fault)
    except KeyError as problem:
        print(f"sandbox: no intake {problem}; known are {', '.join(INTAKES)}", file=sys.stderr)
        return 2
    except (FaultError, TypeError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 2

    def ready(url: str) -> None:
        print(json.dumps({"url": url, "intakes": intakes.settings(url), "pid": os.getpid()}), flush=True)

    return _run(lambda: run_app(intakes, options.port, ready), options.port)


def _run(server: Callable[[], None], port: int) -> int:
    try:
        server()
    except OSError as problem:
        print(f"sandbox: cannot listen on {HOST}:{port}: {problem}; choose another --port", file=sys.stderr)
        return 2
    return 0


def _serve(options: argparse.Namespace) -> int:
    try:
        tenant = _tenant(options)
        for fault in parse_faults(options.faults):
            tenant.switch_on(fault)
    except (FaultError, ValueError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 2
    started = time.monotonic()
    truth = Path(options.truth).resolve() if options.truth else None
    if not options.lazy or truth:
        count = tenant.generate()
        print(
            f"sandbox: {count} records over {len(tenant.span())} days for {tenant.users} users "
            f"in {time.monotonic() - started:.1f} s",
            file=sys.stderr,
        )
    if truth:
        tenant.write_truth(truth)

    def ready(url: str) -> None:
        if options.env:
            _write_env(Path(options.env), tenant.keys)
        document = {
            "url": url,
            "keys": tenant.keys,
            "truth": str(truth) if truth else None,
            "pid": os.getpid(),
            "first_day": tenant.first_day.isoformat(),
            "now": tenant.clock.now().isoformat(),
        }
        print(json.dumps(document), flush=True)

    return _run(lambda: run(tenant, options.port, ready), options.port)


def _write_env(path: Path, keys: dict[str, str]) -> None:
    """The keys as a client's environment, for a shell to read."""
    path.write_text("".join(f"export {name}={keys[key]}\n" for name, key in _VARIABLES.items()), encoding="utf-8")


def _tenant(options: argparse.Namespace) -> Tenant:
    clock = Clock.parse(options.now)
    if options.ticking and not clock.running:
        clock = Clock.running_from(clock.now())
    return Tenant(
        options.seed,
        options.users,
        options.days,
        clock=clock,
        events_per_day=options.events_per_day,
        rate_limit=options.rate_limit,
        analytics_rate_limit=options.analytics_rate_limit,
        directory_rate_limit=options.directory_rate_limit,
        journal=Path(options.journal) if options.journal else None,
        quirks=[quirk for quirk in options.quirks.split(",") if quirk],
        quiet=options.quiet,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A pretend Claude Enterprise tenant, and pretend receivers of events, over HTTP on 127.0.0.1.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve the tenant until SIGTERM or SIGINT",
        description="Serve the tenant. Prints one JSON line (url, keys, truth, pid) on stdout when ready.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = serve.add_argument
    add("--port", type=int, default=0, help="loopback port; 0 takes a free one (default)")
    add("--users", type=int, default=200, help="seats, 1 to 50000 (default 200)")
    add("--days", type=int, default=40, help="how many days back the feed begins (default 40)")
    add("--seed", type=int, default=7, help="the same seed, users and day give the same events (default 7)")
    add(
        "--now",
        default="real",
        metavar="TIME",
        help="the tenant's clock: real (default), real+SECONDS, real-SECONDS, or a time like "
        "2026-11-22T10:00:00Z at which it stands",
    )
    add("--ticking", action="store_true", help="with a given time: start there and run on at real speed")
    add("--quiet", action="store_true", help="everyday work only: nothing planted, nothing rare")
    add("--events-per-day", type=int, metavar="N", help="exactly N events a day instead of the daily rhythm")
    add("--rate-limit", type=int, default=600, metavar="N", help="requests per minute; 0 = none (default 600)")
    add(
        "--analytics-rate-limit",
        type=int,
        default=60,
        metavar="N",
        help="requests per minute of the Analytics API; 0 = none (default 60)",
    )
    add(
        "--directory-rate-limit",
        type=int,
        default=100,
        metavar="N",
        help="requests per minute of the Admin API; 0 = none (default 100)",
    )
    add("--faults", default="", metavar="LIST", help="faults to start with; see below")
    add("--quirks", default="", metavar="LIST", help="other readings of unclear documentation; see below")
    add("--env", metavar="FILE", help="write the keys there as a shell exports them: . FILE; then call ledgerline")
    add("--truth", metavar="DIR", help="write the generated events per day and stories.json there")
    add(
        "--journal",
        metavar="FILE",
        help="keep access records, redactions and withdrawals there, so that a restart serves the same past",
    )
    add("--lazy", action="store_true", help="generate a day when it is first asked for instead of before ready")
    _add_intakes(commands)
    _add_play(commands)
    return parser


def _add_intakes(commands: Any) -> None:
    intakes = commands.add_parser(
        "intakes",
        help="serve pretend SIEM intakes until SIGTERM or SIGINT",
        description="Serve the intakes. Prints one JSON line (url, intakes with their settings, pid) when ready.\n"
        "GET /_intakes on that url lists them; /_intakes/NAME/events shows what one stored.",
        epilog="faults: INTAKE/KIND[:PROBABILITY][:next=N][:skip=N][:seconds=S][:status=S][:code=N]"
        "[:number=N][:id=ID],\n  comma-separated. e.g. --faults splunk/error:next=3,datadog/retry_after:0.05\n"
        '  At runtime: POST /_intakes/NAME/faults {"kind": "cut", "next": 1}, DELETE to clear.\n'
        f"faults of every intake:\n{_table(FAULTS)}\nGET /_intakes names those of one intake as well.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    intakes.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one (default)")
    intakes.add_argument("--only", default="", metavar="LIST", help=f"some of {', '.join(INTAKES)} (default: all)")
    intakes.add_argument("--faults", default="", metavar="LIST", help="faults to start with; see below")
    intakes.add_argument("--no-bodies", action="store_true", help="keep ids and times of events, not the events")
    intakes.add_argument("--seed", type=int, default=7, help="of faults with a probability (default 7)")


def _add_play(commands: Any) -> None:
    played = commands.add_parser(
        "play",
        help="send the Claude Code sessions of some days to an OTLP receiver",
        description="Play the machines of the tenant's developers: their sessions as OTLP over HTTP.\n"
        "Prints one JSON line with what the clients counted themselves.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    played.add_argument("--url", required=True, help="the receiver, without /v1/...")
    played.add_argument("--first", required=True, metavar="DAY", help="the first day, YYYY-MM-DD")
    played.add_argument("--last", required=True, metavar="DAY", help="the last day")
    played.add_argument("--users", type=int, default=200, help="seats, as served (default 200)")
    played.add_argument("--seed", type=int, default=7, help="as served (default 7)")
    played.add_argument("--quiet", action="store_true", help="everyday work only: nobody bypasses permissions")
    played.add_argument(
        "--token-env", default="SANDBOX_OTLP_TOKEN", metavar="NAME", help="the variable with the receiver's token"
    )


def _table(rows: dict[str, str]) -> str:
    return "\n".join(f"  {name:26} {text}" for name, text in rows.items())


def _epilog() -> str:
    return (
        "faults: KIND[:PROBABILITY][:next=N][:skip=N][:seconds=S][:status=S][:bytes=N], comma-separated,\n"
        "  or JSON.\n"
        "  e.g. --faults rate_limit_429:0.05,error_500:next=3,clock_skew:seconds=600\n"
        '  At runtime: POST /_sandbox/faults {"kind": "cut", "next": 1}, DELETE to clear.\n'
        f"request faults:\n{_table(REQUEST_FAULTS)}\nrecord faults:\n{_table(RECORD_FAULTS)}\n"
        f"quirks:\n{_table(QUIRKS)}"
    )
