"""Log records of a request in columns: attributes judged a name at a time instead of one by one.

Promise: the same as record by record, value for value and byte for byte, and as closed: a name that is not listed
is not kept, and a value is believed without its reader only where every byte of it is plainly allowed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.telemetry.allow_list import MAX_TEXT, MAX_WORD
from warehouse.telemetry.grouping import Grouping
from warehouse.telemetry.model import Cells, Coded, Heads, RecordColumns
from warehouse.telemetry.protobuf_values import any_value, pair_of
from warehouse.telemetry.protobuf_wire import Malformed, text
from warehouse.telemetry.record_scan import INTEGER, TEXT, OddForm, Places, Scan, scan
from warehouse.telemetry.sieve import Sieve
from warehouse.telemetry.writing import joined, told_of_record

_encode: Final = msgspec.json.Encoder().encode
_MOST_NAMES: Final = 500  # of attributes in one request; with more, columns are no gain
_KEPT, _REMOVED = 0, 1
_BEYOND: Final = bytes(range(0x20)) + b'"\\' + bytes(range(0x7F, 0x100))


def _allowed(more: bytes = b"") -> NDArray[np.bool_]:
    """By byte: printable ASCII that JSON takes as it is, without some."""
    return ~np.isin(np.arange(256), list(_BEYOND + more))


# By kind: the bytes that need no reader, the least and the greatest length.
_PLAIN: Final = {"text": (_allowed(), 0, MAX_TEXT), "word": (_allowed(b" '<>{}"), 1, MAX_WORD)}
_MOMENT: Final = np.frombuffer(b"0000-00-00T00:00:00.000000", np.uint8)
_DIGITS: Final = np.array([one == ord("0") for one in _MOMENT.tolist()])


class _Kept(NamedTuple):
    """What stays of one name's attributes: which they are among all, in order."""

    name: str
    at: Places
    otlp: pa.Array
    plain: pa.Array
    values: Cells


class ColumnReader:
    """Makes columns of the records of one request after the other."""

    def __init__(self, sieve: Sieve, make: Grouping) -> None:
        self._sieve, self._make = sieve, make

    def read(
        self, data: bytes, starts: Places, ends: Places, group: Places, *, removed: Counter[str]
    ) -> RecordColumns:
        """The records between `starts` and `ends`. Raises OddForm, and then nothing is counted in `removed`."""
        found, gone = scan(data, starts, ends), Counter[str]()
        try:
            kept = list(self._kept(found, gone))
            heads = self._heads(found, data, gone)
        except Malformed:
            raise OddForm from None
        attributes, plain, values = _by_record(kept, found.record, len(starts))
        lines = _lines(found, heads, attributes)
        removed.update(gone)
        return RecordColumns(group, found.time, found.observed, heads, values, attributes, plain, lines)

    def _kept(self, found: Scan, gone: Counter[str]) -> Iterator[_Kept]:
        names = found.texts(found.name).dictionary_encode()
        codes = names.indices.to_numpy()
        order = np.argsort(codes.astype(np.uint32), kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(names.dictionary) + 1))
        if len(names.dictionary) > _MOST_NAMES:
            raise OddForm
        for number, encoded in enumerate(names.dictionary.to_pylist()):
            yield from self._of_name(text(encoded), order[bounds[number] : bounds[number + 1]], found, gone)

    def _of_name(self, name: str, at: Places, found: Scan, gone: Counter[str]) -> Iterator[_Kept]:
        row, kinds = self._sieve.allow.find(name), found.kind[at]
        if row is not None and not row.events and name != "event.name":
            made = None
            if row.kind in _PLAIN and bool((kinds == TEXT).all()):
                made = _plain_texts(name, at, found, row.kind)
            elif row.kind == "time" and bool((kinds == TEXT).all()):
                made = _times(name, at, found)
            elif row.kind == "int" and bool((kinds == INTEGER).all()):
                made = _integers(name, at, found)
            if made is not None:
                yield made
                return
        yield from self._each_once(name, at, found, gone)

    def _each_once(self, name: str, at: Places, found: Scan, gone: Counter[str]) -> Iterator[_Kept]:
        """Through the sieve, each different attribute once."""
        encoded = found.texts(found.pair.some(at)).dictionary_encode()
        judged = [self._sieve.judge_encoded(one, pair_of) for one in encoded.dictionary.to_pylist()]
        codes = encoded.indices.to_numpy()
        verdicts = np.array([verdict for _, _, _, verdict in judged])
        if bool(((verdicts != _KEPT) & (verdicts != _REMOVED)).any()):
            raise OddForm  # kept in some events only
        stays = verdicts[codes] == _KEPT
        for code, count in enumerate(np.bincount(codes[~stays], minlength=len(judged)).tolist()):
            if count:
                gone[judged[code][0]] += count
        if bool(stays.any()):
            chosen = pa.array(codes[stays])
            otlp = pa.array([one for _, _, one, _ in judged], pa.binary()).take(chosen)
            typed = [value for _, value, _, _ in judged]
            plain = pa.array([b"%s:%s" % (_encode(name), _encode(one)) for one in typed], pa.binary()).take(chosen)
            yield _Kept(name, at[stays], otlp, plain, Coded(typed, chosen))

    def _heads(self, found: Scan, data: bytes, gone: Counter[str]) -> Heads:
        """Severity, event name, body, trace and span of each record, as they are kept."""
        count = len(found.time)
        bodies, names, traces, spans = ([""] * count for _ in range(4))
        has = np.flatnonzero(found.fields[5].end)
        encoded = found.texts(found.fields[5].some(has)).dictionary_encode()
        kept = [self._make.body(any_value(one)) for one in encoded.dictionary.to_pylist()]
        for row, code in zip(has.tolist(), encoded.indices.to_pylist(), strict=True):
            if (body := kept[code]) is None:
                gone["(log body)"] += 1
            else:
                bodies[row] = body
        makers: Sequence[tuple[int, list[str], Callable[[bytes], str]]] = (
            (12, names, lambda one: self._make.event_name(text(one), gone)),
            (9, traces, lambda one: self._make.trace_id(one.hex(), gone)),
            (10, spans, lambda one: self._make.span_id(one.hex(), gone)),
        )
        for number, cells, make in makers:
            where = found.fields[number]
            for row in np.flatnonzero(where.end).tolist():
                cells[row] = make(data[where.start[row] : where.end[row]])
        return Heads(found.severity.tolist(), names, bodies, traces, spans)


def _plain_texts(name: str, at: Places, found: Scan, kind: str) -> _Kept | None:
    """Texts of which every byte is plainly allowed; None where one is not."""
    allowed, least, most = _PLAIN[kind]
    where = found.value.some(at)
    lengths = where.end - where.start
    if bool((lengths < least).any()) or bool((lengths > most).any()):
        return None
    texts = found.texts(where)
    if not bool(allowed[_bytes_of(texts)].all()):
        return None
    return _Kept(name, at, *_json(name, "stringValue", texts, b'"', b'"'), texts.cast(pa.string()))


def _integers(name: str, at: Places, found: Scan) -> _Kept | None:
    numbers = found.integers(at)
    if numbers is None:
        return None
    values = pa.array(numbers)
    return _Kept(name, at, *_json(name, "intValue", values.cast(pa.string()).cast(pa.binary()), b"", b""), values)


def _times(name: str, at: Places, found: Scan) -> _Kept | None:
    """Times in UTC with milli- or microseconds, all of one length; None where one is anything else."""
    where = found.value.some(at)
    length = int(where.end[0] - where.start[0])
    if length not in (24, 27) or bool((where.end - where.start != length).any()):
        return None
    texts = found.texts(where)
    written: NDArray[np.uint8] = _bytes_of(texts).reshape(-1, length)
    shape, digits = _MOMENT[: length - 1], _DIGITS[: length - 1]
    number = written[:, :-1] - ord("0")  # wraps around for what is no digit
    fits = np.where(digits, number < 10, written[:, :-1] == shape)
    if not bool(fits.all()) or not bool((written[:, -1] == ord("Z")).all()):
        return None
    if not bool((written[:, :4] != ord("0")).any(axis=1).all()):  # the year 0
        return None
    try:
        moments = np.ascontiguousarray(written[:, :-1]).view(f"S{length - 1}")[:, 0].astype("M8[us]")
    except ValueError:  # the 30th of February
        return None
    micros = moments.astype(np.int64)
    whole = pc.binary_join_element_wise(pc.binary_slice(texts, 0, 19), b"Z", b"")
    exact = pc.binary_join_element_wise(pc.binary_slice(texts, 0, 23), b"000Z", b"") if length == 24 else texts
    shown = pc.if_else(pa.array(micros % 1_000_000 == 0), whole, exact)
    otlp, _ = _json(name, "stringValue", texts, b'"', b'"')
    _, plain = _json(name, "stringValue", shown, b'"', b'"')
    return _Kept(name, at, otlp, plain, pa.array(micros).cast(pa.timestamp("us", "UTC")))


def _json(name: str, member: str, texts: pa.Array, before: bytes, after: bytes) -> tuple[pa.Array, pa.Array]:
    """OTLP JSON of an attribute, and its member in an object; integers are texts in the first."""
    key = _encode(name)
    head = b'{"key":%s,"value":{"%s":"' % (key, member.encode())
    otlp = pc.binary_join_element_wise(head, texts, b'"}}', b"")
    return otlp, pc.binary_join_element_wise(key + b":" + before, texts, after, b"")


def _bytes_of(texts: pa.Array) -> NDArray[np.uint8]:
    """All of them, one behind the other."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    held = texts.buffers()[2]
    return np.frombuffer(held, np.uint8)[offsets[0] : offsets[-1]] if held is not None else np.zeros(0, np.uint8)


def _by_record(kept: list[_Kept], record: Places, count: int) -> tuple[pa.Array, pa.Array, dict[str, Cells]]:
    """The attributes of each record as OTLP JSON and as sorted members, and the values by name."""
    kept = sorted(kept, key=lambda one: one.name)
    at = np.concatenate([one.at for one in kept]) if kept else np.zeros(0, np.int64)
    of = record[at]
    rank = np.repeat(np.arange(len(kept)), [len(one.at) for one in kept])
    table = np.full((count, len(kept)), -1, np.int64)
    table[of, rank] = np.arange(len(at))
    if int((table >= 0).sum()) != len(at):
        raise OddForm  # a name twice in a record
    bounds = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))])
    sorted_by_name = table.ravel()
    sorted_by_name = sorted_by_name[sorted_by_name >= 0]
    as_sent = np.full(len(record), -1, np.int64)
    as_sent[at] = np.arange(len(at))
    as_sent = as_sent[as_sent >= 0]
    otlp, plain = (
        pa.concat_arrays([getattr(one, which) for one in kept]) if kept else pa.array([], pa.binary())
        for which in ("otlp", "plain")
    )
    first = 0
    values: dict[str, Cells] = {}
    for number, one in enumerate(kept):
        values[one.name] = _spread(one.values, table[:, number], first)
        first += len(one.at)
    return joined(otlp.take(as_sent), bounds), joined(plain.take(sorted_by_name), bounds), values


def _spread(values: Cells, places: Places, first: int) -> Cells:
    """The values by record, out of those that are there; `places` counts from `first`, -1 for none."""
    if isinstance(values, Coded):
        return Coded(values.distinct, _spread(values.codes, places, first))
    missing = places < 0
    return values.take(pa.array(places - first, mask=missing)) if bool(missing.any()) else values


def _lines(found: Scan, heads: Heads, attributes: pa.Array) -> pa.Array:
    told: dict[tuple[int, str, str, str, str], bytes] = {}
    rests = []
    for head in zip(*heads, strict=True):
        rest = told.get(head)
        if rest is None:
            rest = told[head] = told_of_record(*head)
        rests.append(rest)
    time, observed = (pa.array(one).cast(pa.string()).cast(pa.binary()) for one in (found.time, found.observed))
    return pc.binary_join_element_wise(
        b'{"timeUnixNano":"', time, b'","observedTimeUnixNano":"', observed, b'"', pa.array(rests, pa.binary()),
        b',"attributes":[', attributes, b"]}", b"",
    )  # fmt: skip
