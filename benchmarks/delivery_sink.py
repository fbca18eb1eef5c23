"""A receiver that costs next to nothing: it takes what is sent, judges none of it, and says what senders wait for.

The same for all contenders. It reads a body to its end and throws it away; only `_bulk` is unpacked, because its
answer has an item for each document. Prints one JSON line with its ports, and serves until it is ended.
"""

import asyncio
import json
import sys

from isal import igzip

_ITEM = b'{"create":{"_id":"x","status":201}}'
_TOKEN = b'{"access_token":"fake-token-of-the-benchmark","expires_in":3600,"token_type":"Bearer"}'
_PROTOBUF = "application/x-protobuf"


class Receiver(asyncio.Protocol):
    """One HTTP/1.1 connection, kept open."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._asked: tuple[str, str, dict[str, str]] | None = None  # method, path, headers, once they are whole

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._take():
            pass

    def _take(self) -> bool:
        """One step further in what has arrived; False where more has to come."""
        if self._asked is None:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return False
            first, *lines = self._held[:end].decode("latin-1").split("\r\n")
            del self._held[: end + 4]
            pairs = (line.partition(":") for line in lines)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            method, path, _version = first.split(" ")
            self._asked = (method, path, headers)
            if "100-continue" in headers.get("expect", ""):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        method, path, headers = self._asked
        if "chunked" in headers.get("transfer-encoding", ""):
            end = self._held.find(b"\r\n0\r\n\r\n")
            if end < 0:
                return False
            length, after = end, end + 7
        else:
            length = after = int(headers.get("content-length", 0))
            if len(self._held) < length:
                return False
        body = bytes(self._held[:length]) if "_bulk" in path else b""
        del self._held[:after]
        self._asked = None
        self._answer(method, path, headers, body)
        return True

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        status, media, said = 200, "application/json", b"{}"
        if "_bulk" in path:
            text = igzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            said = b'{"errors":false,"took":1,"items":[' + b",".join([_ITEM] * (text.count(b"\n") // 2)) + b"]}"
        elif "/services/collector" in path:
            said = b'{"text":"Success","code":0}'
        elif path.startswith("/api/v2/logs"):
            status = 202
        elif path.startswith("/dataCollectionRules"):
            status, said = 204, b""
        elif path.endswith("/token"):
            said = _TOKEN
        elif path.startswith("/v1/logs"):
            media, said = _PROTOBUF, b""
        elif method == "PUT":
            said = b""  # S3 says nothing; its client takes any other text with 200 for an error
        head = (
            f"HTTP/1.1 {status} OK\r\ncontent-type: {media}\r\ncontent-length: {len(said)}\r\n"
            'etag: "0"\r\nx-elastic-product: Elasticsearch\r\n\r\n'
        )
        self._transport.write(head.encode() + said)


class Swallow(asyncio.Protocol):
    """Syslog over TCP: nobody answers."""

    def data_received(self, data: bytes) -> None:
        pass


async def main() -> None:
    loop = asyncio.get_running_loop()
    http = await loop.create_server(Receiver, "127.0.0.1", 0)
    syslog = await loop.create_server(Swallow, "127.0.0.1", 0)
    ports = {"http": http.sockets[0].getsockname()[1], "syslog": syslog.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await asyncio.gather(http.serve_forever(), syslog.serve_forever())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
