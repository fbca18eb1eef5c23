"""A telemetry file into messages without content: the one way in.

Promise: what leaves here has been through the allow-list; a file is read to its end before anybody may believe it,
and an error says what is wrong with which request of it, never what stands there.
"""

from collections.abc import Iterator
from typing import IO

from warehouse.telemetry.allow_list import AllowList, allow_list
from warehouse.telemetry.errors import NotTelemetry
from warehouse.telemetry.model import Message, Signal
from warehouse.telemetry.otlp_json import JsonReader
from warehouse.telemetry.otlp_protobuf import ProtobufReader
from warehouse.telemetry.unpacking import Encoded, requests, signal_of


class Reader:
    """Reads files one after the other, and remembers the attributes that come again. Not for several threads."""

    def __init__(self, allow: AllowList | None = None) -> None:
        allow = allow or allow_list()
        self._json = JsonReader(allow)
        self._protobuf = ProtobufReader(allow)

    def read(self, file: IO[bytes], name: str, *, told: str | None = None) -> Iterator[Message]:
        """The messages of a file, in order. `name` is what people know it by; `told` its whole path or address,
        out of which the signal of a protobuf file is read. Raises NotTelemetry."""
        signal = signal_of(told or name)
        for one in requests(file, name):
            yield from self.decode(one, signal)

    def decode(self, request: Encoded, signal: Signal | None) -> list[Message]:
        """The messages of one request. Raises NotTelemetry."""
        if request.encoding == "json":
            return self._json.read(request.data, request.where)
        if signal is None:
            raise NotTelemetry(
                f"{request.where} is protobuf, and neither its name nor its folder says metrics, logs or traces; "
                f"put it into a folder that does"
            )
        return self._protobuf.read(request.data, signal, request.where)
