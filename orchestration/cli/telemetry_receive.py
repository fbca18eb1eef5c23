"""`ledgerline telemetry receive`: the embedded receiver, for a trial without a collector."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, to_json
from warehouse.wire.hosts import is_loopback

_INBOX = Path("data/telemetry")


def register(group: typer.Typer) -> None:
    """Add the command to `ledgerline telemetry`."""
    add_command(
        group,
        "receive",
        receive,
        {
            "ledgerline telemetry receive": "on this machine, into ./data/telemetry, until Ctrl-C",
            "ledgerline telemetry land data/telemetry": "then: what it took, into the archive",
            "ledgerline telemetry receive --host 0.0.0.0 --token env:OTEL_TOKEN": "from other machines of a trial",
        },
    )


def receive(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")] = _INBOX,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 4318,
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="REF", help="What senders must show: env:NAME or file:PATH."),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Receive Claude Code's telemetry without a collector: OTLP over HTTP, JSON and protobuf, for a trial.

    Content is taken out before anything is written. What remains is written as a collector would, a file for
    each signal and half second, closed when it appears; a request is acknowledged when its file is on the disk.
    Metrics and logs are taken, traces are not. Ends cleanly on SIGTERM and Ctrl-C. There is no encryption:
    between machines use a collector. Needs no configuration.
    """
    from orchestration.telemetry_receiver import listen, run  # noqa: PLC0415
    from warehouse.config.secrets import SecretRef  # noqa: PLC0415
    from warehouse.telemetry.inbox import Inbox  # noqa: PLC0415
    from warehouse.telemetry.receiver import Receiver  # noqa: PLC0415

    if not is_loopback(host) and token is None:
        raise CannotRun(
            f"on {host} anybody who reaches this machine could send",
            remedy="name what senders must show, as in --token env:OTEL_TOKEN, or leave --host out",
        )
    try:
        shown = SecretRef(token).reveal() if token is not None else ""
    except ValueError as error:
        raise CannotRun(f"--token is no reference: {error}", remedy="name it: --token env:OTEL_TOKEN") from None
    output, receiver = Output(json=json), Receiver(Inbox(out), token=shown)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"nothing can be written into {out}: {error.strerror}", remedy="name another folder with --out"
        ) from None
    try:
        listener = listen(host, port)
    except OSError as error:
        raise CannotRun(
            f"nobody can listen on {host}:{port}: {error.strerror}",
            remedy="choose another --port; 0 takes a free one",
        ) from None

    def ready(url: str) -> None:
        output.aside(f"receiving at {url}, into {out}; Ctrl-C ends it")
        output.aside("in another terminal, before `claude`:")
        for line in _exports(url, token):
            output.aside(f"  {line}")
        if json:
            print(to_json({"url": url, "out": str(out)}, indent=None), file=output.out, flush=True)

    run(receiver, listener, ready)
    taken = receiver.taken
    facts = {
        "requests": taken.requests,
        "points": taken.points,
        "events": taken.events,
        "files": taken.files,
        "rejected": taken.rejected,
        "removed": dict(taken.removed.most_common()),
        "refused": {str(status): count for status, count in sorted(taken.refused.items())},
    }
    if json:
        print(to_json(facts, indent=None), file=output.out, flush=True)
    output.line(
        f"took {counted(taken.requests, 'request')}: {counted(taken.points, 'point')}, "
        f"{counted(taken.events, 'event')}, in {counted(taken.files, 'file')}"
    )
    if taken.removed:
        names = ", ".join(f"{name} ({count:,})" for name, count in taken.removed.most_common(8))
        output.line(f"removed {counted(taken.removed.total(), 'attribute')} before writing: {names}")
    for status, count in sorted(taken.refused.items()):
        output.line(f"refused {counted(count, 'request')} with HTTP {status}")
    if taken.files:
        output.line(f"into the archive with: ledgerline telemetry land {out}")
    return 0


def _exports(url: str, token: str | None) -> list[str]:
    """What a shell must export for a client to send here; a token by its reference, never itself."""
    lines = [
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT={url}",
    ]
    if token is not None:
        kind, _, place = token.partition(":")
        said = f"${place}" if kind == "env" else f"$(cat '{place}')"
        lines.append(f'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {said}"')
    return lines
