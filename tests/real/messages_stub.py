"""A stub of the Messages API on loopback, as far as Claude Code asks it: each prompt gets the same sentence."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

USAGE = {"input_tokens": 1234, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 2000}
OUTPUT_TOKENS = 56
ANSWER = "PLANTED-PHRASE: what the model said"


@dataclass
class Stub:
    """Its address, and the paths that were asked for."""

    url: str
    asked: list[str] = field(default_factory=list)
    answered: int = 0


@contextmanager
def serve() -> Iterator[Stub]:
    stub = Stub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}") if size else {}
            path = self.path.partition("?")[0]
            stub.asked.append(path)
            if path != "/v1/messages":
                self._send(404, {"type": "error", "error": {"type": "not_found_error", "message": "not here"}})
            elif body.get("stream"):
                stub.answered += 1
                self._stream(str(body.get("model")), stub.answered)
            else:
                stub.answered += 1
                usage = {**USAGE, "output_tokens": OUTPUT_TOKENS}
                content = [{"type": "text", "text": ANSWER}]
                message = _message(str(body.get("model")), stub.answered)
                self._send(200, {**message, "content": content, "stop_reason": "end_turn", "usage": usage})

        def do_GET(self) -> None:
            stub.asked.append(self.path)
            self._send(404, {"type": "error", "error": {"type": "not_found_error", "message": "not here"}})

        do_HEAD = do_GET

        def _stream(self, model: str, number: int) -> None:
            message = {**_message(model, number), "usage": {**USAGE, "output_tokens": 1}}
            delta = {"stop_reason": "end_turn", "stop_sequence": None}
            events: list[tuple[str, dict[str, Any]]] = [
                ("message_start", {"message": message}),
                ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
                ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": ANSWER}}),
                ("content_block_stop", {"index": 0}),
                ("message_delta", {"delta": delta, "usage": {"output_tokens": OUTPUT_TOKENS}}),
                ("message_stop", {}),
            ]
            text = "".join(
                f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" for name, data in events
            )
            self._send(200, text.encode(), "text/event-stream", number)

        def _send(self, status: int, body: Any, kind: str = "application/json", number: int = 0) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.send_header("request-id", f"req_stub_{number}")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


def _message(model: str, number: int) -> dict[str, Any]:
    return {
        "id": f"msg_stub_{number}", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip
