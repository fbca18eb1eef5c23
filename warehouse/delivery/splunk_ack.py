"""Splunk's indexer acknowledgement: a batch is answered for once the ids it was given have been indexed.

Promise: what is not acknowledged in time is told as unanswered, so that it is sent again: the receiver may have
it, or not.
"""

import time
import uuid
from dataclasses import replace

import msgspec

from warehouse.delivery.answers import document
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Request, Response

POLL_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # then every 10 s, as Splunk advises
GIVE_UP_SECONDS = 300.0


class AcknowledgedTransport:
    """Sends on one channel, and waits for each answer's acknowledgement. Thread-safe: ids are asked for one by
    one.

    path: where acknowledgements are asked for. A `true` is told once, so each id has one place that asks for it.
    """

    def __init__(
        self,
        http: HttpTransport,
        path: str,
        *,
        polls: tuple[float, ...] = POLL_SECONDS,
        give_up: float = GIVE_UP_SECONDS,
    ) -> None:
        self.channel = str(uuid.uuid4())
        self._http, self._path = http, path
        self._polls, self._give_up = polls, give_up

    def send(self, request: Request) -> Response:
        headers = {**request.headers, "X-Splunk-Request-Channel": self.channel}
        response = self._http.send(replace(request, headers=headers))
        number = document(response).get("ackId")
        if not isinstance(number, int):
            return response
        return self._awaited(response, number)

    def _awaited(self, response: Response, number: int) -> Response:
        """The response with the acknowledgement in it; else what stands in its way."""
        began, polls = time.monotonic(), 0
        body = msgspec.json.encode({"acks": [number]})
        while True:
            pause = self._polls[min(polls, len(self._polls) - 1)]
            if time.monotonic() + pause - began > self._give_up:
                return Response(status=0, error=f"taken, but not acknowledged within {self._give_up:.0f} s")
            time.sleep(pause)
            polls += 1
            answer = self._http.exchange(
                "POST", f"{self._path}?channel={self.channel}", {"Content-Type": "application/json"}, body
            )
            if answer.status in (400, 401, 403, 404):
                return answer
            acks = document(answer).get("acks")
            if isinstance(acks, dict) and acks.get(str(number)) is True:
                return replace(response, ack=f"ack {number} on channel {self.channel}")

    def close(self) -> None:
        self._http.close()
