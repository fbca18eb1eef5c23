"""The attributes of canonical events as columns: their distinct texts, and which of them each row has.

Promise: a text is the one that `canonical_events` has for that row, and its state says what JSON makes of it. A
value that many rows share is looked at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.event_rows import moments
from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.canonical import lines_of, time_texts
from warehouse.wire import arrays
from warehouse.wire.protobuf_numbers import fixed64, varint

# Attributes of `CanonicalEvent` that are copied out of a column of few values, and the column.
COPIED: Final = {
    "actor_id": "actor_id",
    "actor_email": "actor_email",
    "client_ip": "ip_address",
    "user_agent": "user_agent",
    "organization_id": "organization_id",
    "organization_uuid": "organization_uuid",
}
NUMBERS: Final = {"event_us": "created_at", "observed_us": "observed_at", "commit_seq": "commit_seq"}
LONGEST_TEXT: Final = 1024  # bytes; a longer one may be cut or refused by a module
LONGEST_RECORD: Final = 16_000

# A text, for who copies it: not there, empty, there, an address; or one that JSON has to escape, or is too long.
NONE, EMPTY, TEXT, ADDRESS, ODD = range(5)

_ANY: Final = arrays.texts(["0"])
_as_json = msgspec.json.Encoder().encode
_ESCAPED: Final = np.zeros(256, bool)
_ESCAPED[[*range(32), ord('"'), ord("\\")]] = True
_NO_PLAIN: Final = _ESCAPED.copy()
_NO_PLAIN[[ord("]"), *range(127, 256)]] = True


class Texts(NamedTuple):
    """values: an Arrow array of bytes. places: for each row, where its own stands among them."""

    values: Any
    places: Any


class EventColumns:
    """Columns of some rows, each made when it is first asked for. restamped: places whose time is `moment` (ISO
    8601 UTC, and as microseconds) instead of their own."""

    def __init__(self, rows: pa.RecordBatch, restamped: Any = (), moment: str = "", moment_us: int = 0) -> None:
        self.rows = rows
        self._restamped, self._moment, self._moment_us = restamped, moment, moment_us
        self._few: dict[str, Texts] = {}
        self._texts: dict[str, Texts] = {}

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def few(self, column: str) -> Texts:
        """The distinct values of a column of the table, as they are; the place of a null is behind the last."""
        if column not in self._few:
            found = self.rows.column(column)
            coded = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
            indices = coded.indices
            if indices.null_count:
                indices = indices.fill_null(arrays.integers([len(coded.dictionary)], indices.type)[0])
            self._few[column] = Texts(coded.dictionary, arrays.plain(indices))
        return self._few[column]

    def states(self, name: str) -> Any:
        """The state of each row's text in an attribute that is copied."""
        few = self.few(COPIED[name])
        states = np.append(states_of(few.values.cast(pa.binary())), NONE)
        if name == "client_ip":
            for place in np.flatnonzero(states == TEXT).tolist():
                if is_address(few.values[place].as_py()):
                    states[place] = ADDRESS
        return states[few.places]

    def texts(self, name: str) -> Texts:
        """An attribute of `CanonicalEvent`; `record` and `record_in_text` are its `raw`, as it is and as it stands
        in a JSON text. Where a row has none, any."""
        if name not in self._texts:
            values, places = self._made(name)
            self._texts[name] = Texts(values.cast(pa.binary()), places)
        return self._texts[name]

    def _made(self, name: str) -> Texts:
        if name in COPIED:
            return self._or_first(self.few(COPIED[name]))
        if name.startswith(("observed_us", "commit_seq")):
            return self._number(name)
        if name.startswith("stamp"):
            return self._stamped(name)
        return Texts(self._own(name), self._each)

    def _own(self, name: str) -> Any:
        """What each row has of its own."""
        if name == "event_id":
            return self.rows.column("id")
        if name == "event_us":
            return self.rows.column("created_at").cast(pa.int64()).cast(pa.string())
        if name == "event_time":
            return time_texts(self.rows.column("created_at"))
        if name == "record":
            return self.records
        assert name == "record_in_text", name
        records = self.records.to_pylist()
        return arrays.of_bytes([_as_json((one or b"").decode("utf-8", "replace"))[1:-1] for one in records])

    def _number(self, name: str) -> Texts:
        """A number that many rows share, in one of the forms in which it may be written."""
        column = NUMBERS[name.removesuffix("_fixed").removesuffix("_varint")]
        values, places = self._or_first(self.few(column))
        values = values.cast(pa.int64())
        if name.endswith("_fixed"):
            return Texts(_fixed(arrays.plain(values)), places)
        if name.endswith("_varint"):
            return Texts(arrays.of_bytes([varint(value) for value in values.to_pylist()]), places)
        return Texts(values.cast(pa.string()), places)

    @cached_property
    def records(self) -> pa.Array:
        """The records as bytes, each on one line."""
        return lines_of(self.rows.column("raw"))

    @cached_property
    def _each(self) -> Any:
        return np.arange(len(self), dtype=np.int32)

    def _or_first(self, texts: Texts) -> Texts:
        """Without a place for nulls, which nobody copies."""
        if texts.places.size and texts.places.max() == len(texts.values):
            if not len(texts.values):
                return Texts(_ANY.cast(texts.values.type), np.zeros(len(self), np.int32))
            return Texts(texts.values, np.where(texts.places == len(texts.values), 0, texts.places))
        return texts

    def _stamped(self, name: str) -> Texts:
        """What a destination takes as its own time, in one of the forms in which it may be written."""
        stamps, micros = self._stamps, arrays.plain(self._stamps)
        moment: str | bytes
        if name == "stamp":
            same = not self.rows.column("created_at").null_count
            own, moment = (
                self.texts("event_time").values if same else time_texts(stamps.cast(arrays.TIME)),
                self._moment,
            )
        elif name == "stamp_us":
            own, moment = stamps.cast(pa.string()), str(self._moment_us)
        elif name == "stamp_us_fixed":
            own, moment = _fixed(micros), fixed64(self._moment_us * 1000)
        elif name == "stamp_ms":
            own = arrays.numbers(micros // 1000).cast(pa.string())
            moment = str(self._moment_us // 1000)
        else:
            assert name == "stamp_seconds", name
            whole, rest = (arrays.numbers(part).cast(pa.string()) for part in np.divmod(micros, 1_000_000))
            own = pc.binary_join_element_wise(whole, pc.utf8_lpad(rest, 6, "0"), arrays.text("."))
            moment = seconds_of(self._moment_us)
        if not len(self._restamped):
            return Texts(own, self._each)
        places = self._each.copy()
        places[self._restamped] = len(self)
        late = arrays.of_bytes([moment.encode() if isinstance(moment, str) else moment])
        return Texts(pa.concat_arrays([own.cast(pa.binary()), late]), places)

    @cached_property
    def _stamps(self) -> pa.Array:
        return moments(self.rows)


def states_of(values: pa.Array) -> Any:
    """The state of each of some texts, an Arrow array of binary; of none it says that it is an address."""
    starts, lengths, held = arrays.laid_out(values)
    found = np.where(lengths > 0, TEXT, EMPTY)
    found[lengths > LONGEST_TEXT] = ODD
    odd = np.flatnonzero(_ESCAPED[held])
    if odd.size:
        found[np.searchsorted(starts, odd, side="right") - 1] = ODD
    if values.null_count:
        found[~arrays.known(values)] = NONE
    return found


def beyond_print(values: pa.Array) -> Any:
    """Of each of some texts, whether a byte of it is no printable ASCII, or one that some form has to escape."""
    starts, _, held = arrays.laid_out(values)
    found = np.zeros(len(values), bool)
    found[np.searchsorted(starts, np.flatnonzero(_NO_PLAIN[held]), side="right") - 1] = True
    return found


def lengths_of(values: pa.Array) -> Any:
    """Bytes of each text of an array of strings or binary."""
    return arrays.laid_out(values)[1]


def _fixed(micros: Any) -> pa.Array:
    """Nanoseconds as protobuf's fixed64, of moments in microseconds."""
    ends = pa.py_buffer(np.arange(0, 8 * len(micros) + 1, 8, dtype=np.int32))
    return pa.Array.from_buffers(
        pa.binary(), len(micros), [None, ends, pa.py_buffer((micros * 1000).astype("<i8"))]
    )


def seconds_of(micros: int) -> str:
    """Microseconds as seconds with six decimals."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{seconds}.{rest:06}"
