"""OTLP logs over HTTP: what OpenTelemetry's Collector, the Datadog Agent, Elastic APM and many others take.

Promise: one log record for each event; its body is the record verbatim and its attributes what people filter by. A
receiver that refuses some of a request says only how many: the request is then halved, so that each event is told
apart, instead of calling all of them delivered or all of them dead.
"""

from collections.abc import Sequence

from warehouse.config.destinations import Otlp
from warehouse.config.secrets import SecretRef
from warehouse.delivery.answers import document, reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.credentials import revealed
from warehouse.delivery.destinations import otlp_json, otlp_protobuf
from warehouse.delivery.destinations.otlp_protobuf import partial_success
from warehouse.delivery.documents import AnyEvent, shortened
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Refused, Request, Response, all_of
from warehouse.delivery.statuses import is_page, unreadable, usual
from warehouse.wire.protobuf_numbers import varint

Settings = Otlp
# The specification advises receivers to take 20 MiB, which they count after decompression too; many take 4 to 5.
LONGEST = 1_000_000
LIMITS = Limits(events=5_000, raw=4_000_000, event=LONGEST, overhead=1_000, separator=12, concurrency=4)
_PATH = "/v1/logs"
_HINTS = {
    401: "the receiver does not know the credential: check headers",
    403: "the credential may not send logs there: check headers",
    404: "url must be that of an OTLP/HTTP receiver (port 4318, often); /v1/logs is added to it",
}


def fixed_form(settings: Otlp) -> FixedForm:
    """Both forms copy what an event holds; protobuf says before each part how long it is."""
    return FixedForm() if settings.encoding == "json" else FixedForm(counts=otlp_protobuf.counts, written=varint)


def encode(event: AnyEvent, settings: Otlp, restamp: str | None) -> bytes | Refused:
    """One log record, as protobuf or as JSON."""
    make = otlp_json.record if settings.encoding == "json" else otlp_protobuf.record
    frame = make(event, restamp)
    return frame if len(frame) <= LONGEST else shortened(event, lambda one: make(one, restamp), frame, LONGEST)


def pack(frames: Sequence[bytes], settings: Otlp) -> Request:
    """Log records as one gzipped ExportLogsServiceRequest of one resource and one scope."""
    form = otlp_json if settings.encoding == "json" else otlp_protobuf
    body = form.request(frames, settings.service)
    headers = {"Content-Type": form.MEDIA, "Content-Encoding": "gzip"}
    return Request(body=gzipped(body), raw=len(body), count=len(frames), headers=headers)


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """Statuses of OTLP/HTTP (specification 1.x, and reference: siem-destinations 8.1)."""
    if 200 <= response.status < 300:
        return _taken(response, count)
    if response.status == 400:
        return all_of(count, Outcome(kind="split", reason=reason(response)))
    found = usual(response, _HINTS)  # 500 is final by the letter; receivers send it when they are in trouble
    return all_of(count, found or Outcome(kind="halt", reason=reason(response), remedy=_HINTS[404]))


def connect(settings: Otlp) -> HttpTransport:
    """A transport with the configured headers. Raises Halted where a secret among them cannot be had."""
    headers = {
        name: revealed(settings.name, value) if isinstance(value, SecretRef) else value
        for name, value in settings.headers.items()
    }
    url = settings.url if settings.url.endswith(_PATH) else settings.url + _PATH
    return HttpTransport(settings.name, url, headers=headers, ca_file=settings.ca_file)


def probe(settings: Otlp) -> Outcome:
    """Whether the receiver takes logs with these headers: a request without a record, which every receiver should
    answer with success (OTLP/HTTP, "Full Success").
    """
    form = otlp_json if settings.encoding == "json" else otlp_protobuf
    http = connect(settings)
    try:
        response = http.exchange("POST", "", {"Content-Type": form.MEDIA}, form.NO_RECORDS)
    finally:
        http.close()
    if 200 <= response.status < 300 and not is_page(response):
        return Outcome(kind="delivered", reason="the receiver takes logs with these headers (asked without any)")
    if response.status == 400:  # some want at least one record; they have looked at the headers by then
        return Outcome(kind="delivered", reason="the receiver answers; it refuses a request without a record")
    return classify(response, 1)[0] if not is_page(response) else unreadable(response)


def _taken(response: Response, count: int) -> list[Outcome]:
    if "protobuf" in response.headers.get("content-type", ""):
        rejected, message = partial_success(response.body)
    else:
        partial = document(response).get("partialSuccess")
        found = partial if isinstance(partial, dict) else {}
        rejected, message = _number(found.get("rejectedLogRecords")), str(found.get("errorMessage") or "")
    if rejected <= 0:
        return all_of(count, Outcome(kind="delivered", ack=reason(response, message=message or "accepted")))
    why = reason(response, f"{rejected} of {count} rejected:", message or "no reason given")
    return all_of(count, Outcome(kind="dead" if rejected >= count else "split", reason=why))


def _number(value: object) -> int:
    """proto3 JSON writes 64-bit integers as texts; some write numbers."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return 0
