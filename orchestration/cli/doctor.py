"""`ledgerline doctor`: is everything there that a pull needs, and if not, what to do."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlsplit

import typer

from orchestration.cli.doctor_check import Check
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration
from warehouse.wire.hosts import is_loopback

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.anthropic.diagnose import Diagnosis
    from warehouse.anthropic.surfaces import Surface
    from warehouse.config import SecretRef, Settings
    from warehouse.config.destinations import Destination

_PRETEND_TENANT = (
    "nothing listens on this machine: a pretend tenant has to run; `make ui` serves the demo's, "
    "`python -m sandbox serve` one of its own"
)
_PRETEND_RECEIVER = (
    "nothing listens there on this machine: check its address, and start it (pretend ones: `make ui` serves the "
    "demo's, `python -m sandbox intakes` some of its own); then run it again"
)
_MEND = "correct its settings in [[destinations]]"
_ASK_AGAIN = "check its address, the network, and whether the receiver is up; then run it again"
MARKS = {"ok": "ok    ", "failed": "FAILED", "unused": "-     "}
_BELOW = " " * 8  # as wide as a mark and what parts it from the text


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "doctor",
        doctor,
        {
            "ledgerline doctor": "check everything",
            "ledgerline doctor --json | jq '.checks[] | select(.state == \"failed\")'": "only what failed",
        },
    )


def doctor(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Check the configuration, signing key, scratch folder, store, lock, keys and scopes, clocks and detections.

    Sends one small request for each scope, asks for each destination whether its receiver is there (no event is
    sent), and writes one small object to the store to see that it refuses to be overwritten; a folder for the
    archive is made where there is none, and it says so. Exit code 1 when something failed; each failure says what
    to do.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    output = Output(json=json)
    checks = []
    for check in _checks(settings):
        checks.append(check)
        output.prose(f"{MARKS[check.state]}  {check.check}  {check.subject}: {check.detail}", further=_BELOW)
        if check.remedy:
            output.prose(f"What to do: {check.remedy}", indent=_BELOW)
    failed = sum(check.state == "failed" for check in checks)
    if json:
        output.document({"ok": not failed, "checks": [asdict(check) for check in checks]})
    output.line()
    output.line(f"{failed} of {len(checks)} checks failed" if failed else "all is well")
    return 1 if failed else 0


def _checks(settings: "Settings") -> Iterator[Check]:
    from orchestration.cli.doctor_files import file_checks  # noqa: PLC0415
    from orchestration.cli.doctor_scratch import scratch_check  # noqa: PLC0415

    yield Check("configuration", str(settings.path), "ok", "is valid")
    yield _signing_key(settings)
    yield from file_checks(settings)
    yield scratch_check()
    yield from _store(settings)
    yield from _anchors(settings)
    yield from _anthropic(settings)
    yield from _detections(settings)
    for destination in settings.destinations:
        yield _destination(destination, settings.detections.rules)


def _signing_key(settings: "Settings") -> Check:
    from orchestration.workshop import signing_key  # noqa: PLC0415
    from warehouse.archive.errors import ArchiveError  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    reference = settings.archive.signing_key
    name = str(reference)
    try:
        signing_key(reference)
    except SecretUnavailable as error:
        return Check("signing key", name, "failed", str(error), error.remedy)
    except ArchiveError as error:  # its messages say what to do
        return Check("signing key", name, "failed", str(error))
    other = _not_the_logs(settings)
    if other:
        return Check("signing key", name, "failed", other, "`ledgerline key show` shows the log's keys")
    path = reference.path
    if path is not None and path.stat().st_mode & 0o077:
        return Check("signing key", name, "failed", f"other users can read {path}", f"run: chmod 600 {path}")
    return Check("signing key", name, "ok", "is an Ed25519 key")


def _not_the_logs(settings: "Settings") -> str:
    """Why the key cannot sign what is in the archive; empty where it can, or where there is nothing yet."""
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.errors import ArchiveError, SigningKeyInvalid  # noqa: PLC0415

    try:
        with open_workshop(settings, for_writing=False) as workshop:
            if workshop.archive.refresh().origin is not None:
                workshop.archive.log.signer()
    except SigningKeyInvalid as error:
        return str(error)
    except ArchiveError:
        return ""  # the checks of the store, and `ledgerline verify`, name it
    return ""


def _store(settings: "Settings") -> Iterator[Check]:
    from orchestration.workshop import CACHE_FILE  # noqa: PLC0415
    from warehouse.archive.address import folder_of  # noqa: PLC0415
    from warehouse.archive.cache import StateCache  # noqa: PLC0415
    from warehouse.archive.errors import LogGone, StoreError  # noqa: PLC0415
    from warehouse.archive.keys import ENTRIES  # noqa: PLC0415
    from warehouse.archive.store import open_store  # noqa: PLC0415

    archive = settings.archive
    try:
        folder = folder_of(archive.url) if archive.url.startswith("file:") else None
        if folder is not None and not (folder / ENTRIES).exists():
            StateCache(archive.cache / CACHE_FILE).demand_unknown(archive.url)
        made = folder is not None and not folder.exists()
        store = open_store(archive.url, **archive.opening())
        if made:
            yield Check("store", archive.url, "ok", "the folder was not there and has been made; it is empty")
        for result in store.probe():
            state: Literal["ok", "failed"] = "ok" if result.ok else "failed"
            yield Check("store", result.check, state, result.detail, result.remedy)
    except (StoreError, LogGone) as error:
        yield Check("store", archive.url, "failed", str(error))


def _anchors(settings: "Settings") -> Iterator[Check]:
    """The places of checkpoints, where some are set, as far as reading them shows; nothing is written there."""
    from orchestration.workshop import anchors_of  # noqa: PLC0415
    from warehouse.archive.errors import StoreError, TimestampsMissing  # noqa: PLC0415
    from warehouse.archive.timestamp import demand  # noqa: PLC0415

    anchors = anchors_of(settings)
    for address in anchors.addresses:
        try:
            anchors.place(address).names("ledgerline/")
            yield Check(
                "anchor", address, "ok", "can be read; `ledgerline anchor` shows whether it can be added to"
            )
        except (StoreError, OSError) as error:
            remedy = "run `ledgerline anchor` when it is mended" if address.startswith("git:") else ""
            yield Check("anchor", address, "failed", str(error), remedy)
    if anchors.authority is None and anchors.certificates is None:
        return
    name = anchors.authority or str(anchors.certificates)
    try:
        roots = demand(anchors.certificates)
    except TimestampsMissing as error:  # it says what to do
        yield Check("timestamps", name, "failed", str(error))
        return
    if roots:
        yield Check("timestamps", name, "ok", f"are checked with {roots} certificates")
    else:
        remedy = "set archive.timestamp_certificates to the PEM file of the authority"
        yield Check("timestamps", name, "failed", "nobody checks whose signature they bear", remedy)


def _anthropic(settings: "Settings") -> Iterator[Check]:
    from warehouse.anthropic.surfaces import SURFACES  # noqa: PLC0415

    keys, finding, skew = settings.anthropic.keys, "", None
    for surface in SURFACES:
        reference: SecretRef = getattr(keys, surface.key_setting.rpartition(".")[2])
        found = _diagnosis(settings, surface, reference)
        if isinstance(found, Check):
            yield found
            continue
        finding = finding or found.clock_finding
        skew = found.skew_seconds if skew is None else skew
        state: Literal["ok", "failed"] = "ok" if found.ok else "failed"
        detail = found.detail if found.ok else f"{found.state.replace('_', ' ')}: {found.detail}"
        if found.ok and found.scopes_needed:
            detail += f" (scopes: {', '.join(found.scopes_needed)})"
        remedy = found.remedy
        if found.state == "unreachable" and is_loopback(urlsplit(settings.anthropic.base_url).hostname or ""):
            remedy = _PRETEND_TENANT
        yield Check(surface.name, str(reference), state, detail, remedy)
    if skew is not None:
        detail = finding or f"{duration(abs(skew)) if abs(skew) >= 1 else 'less than a second'} apart"
        remedy = "switch time synchronisation on (NTP, chrony or systemd-timesyncd)" if finding else ""
        yield Check("clocks", "this machine and the API", "failed" if finding else "ok", detail, remedy)


def _detections(settings: "Settings") -> Iterator[Check]:
    """The rules, what somebody decided about them, and each file of places: what a run would refuse tonight."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from orchestration.workshop import suppressions_of, thresholds_of  # noqa: PLC0415
    from warehouse.detections.errors import DetectionError  # noqa: PLC0415
    from warehouse.detections.places import Places  # noqa: PLC0415
    from warehouse.detections.rulebook import load  # noqa: PLC0415
    from warehouse.detections.selection import in_use  # noqa: PLC0415
    from warehouse.detections.suppression import Suppressions  # noqa: PLC0415

    has: frozenset[str] = frozenset()
    for path in settings.detections.geo:
        try:
            with Places([path]) as places:
                has |= places.has
                built = datetime.fromtimestamp(places.evidence[0]["build_epoch"], UTC)
                detail = f"{places.evidence[0]['type']} of {built:%Y-%m-%d}, knows {', '.join(sorted(places.has))}"
                yield Check("places", str(path), "ok", detail)
        except DetectionError as error:
            yield Check("places", str(path), "failed", str(error), error.remedy)
    now = datetime.now(UTC)
    try:
        rules = load(settings.detections.rules)
        used = in_use(rules, thresholds=thresholds_of(settings), places=has, now=now)
        expired = [*Suppressions(suppressions_of(settings), rules, now).expired, *used.tuned.expired]
    except DetectionError as error:
        yield Check("detections", "rules", "failed", str(error), error.remedy)
        return
    said = [f"{len(used.rules)} run"]
    if used.off:
        said.append(f"{counted(len(used.off), 'rule is', 'rules are')} off, see `ledgerline detections list`")
    if expired:
        said.append(f"{counted(len(expired), 'decision about them holds', 'decisions about them hold')} no more")
    yield Check("detections", "rules", "ok", "; ".join(said))


def _destination(destination: "Destination", rules: "tuple[Path, ...]") -> Check:
    """Its secrets, its slice, and whether the receiver is there. No event is sent."""
    from assets.delivering import Configured, sliced  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415
    from warehouse.delivery.destinations import load  # noqa: PLC0415
    from warehouse.delivery.errors import DeliveryError  # noqa: PLC0415
    from warehouse.detections.errors import DetectionError  # noqa: PLC0415

    name, module = f"{destination.name} ({destination.type})", load(destination.type)
    try:
        sliced(cast("Configured", destination), rules)
        module.connect(destination).close()
        outcome = module.probe(destination)
    except (DeliveryError, DetectionError, SecretUnavailable) as error:
        return Check("destination", name, "failed", str(error), error.remedy or _MEND)
    if outcome.kind == "delivered":
        return Check("destination", name, "ok", outcome.reason)
    here = is_loopback(urlsplit(str(getattr(destination, "url", ""))).hostname or "")
    nobody = outcome.reason.startswith("no connection")
    remedy = _PRETEND_RECEIVER if here and nobody else outcome.remedy or _ASK_AGAIN
    return Check("destination", name, "failed", outcome.reason, remedy)


def _diagnosis(settings: "Settings", surface: "Surface", reference: "SecretRef") -> "Check | Diagnosis":
    from warehouse.anthropic.diagnose import diagnose  # noqa: PLC0415
    from warehouse.anthropic.errors import AnthropicError  # noqa: PLC0415
    from warehouse.anthropic.http import Client  # noqa: PLC0415
    from warehouse.anthropic.patience import Timeouts  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    needed = surface.key_setting == "anthropic.keys.compliance"
    try:
        reference.reveal()
    except SecretUnavailable as error:
        if needed:
            return Check(surface.name, str(reference), "failed", str(error), surface.remedy)
        return Check(surface.name, str(reference), "unused", f"no key is set, so nobody pulls {surface.pulled}")
    try:
        with Client(
            surface,
            base_url=settings.anthropic.base_url,
            key=reference.reveal,
            writer="ledgerline-doctor",
            version=settings.anthropic.version,
            timeouts=Timeouts(read=min(settings.anthropic.timeout_seconds, 30.0)),
            organizations=settings.anthropic.organizations,
        ) as client:
            return diagnose(client)
    except AnthropicError as error:
        return Check(surface.name, str(reference), "failed", str(error))
