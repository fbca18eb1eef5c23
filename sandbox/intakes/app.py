"""The intakes as one application: `/NAME/...` is the receiver, `/_intakes/NAME/...` looks into it.

An intake that is served alone answers at the root too, for clients that take a host and no path.

GET    /_intakes                   every intake: its settings for a sender, how many events, the faults it knows
GET    /_intakes/NAME/events       what was stored: id, time, place, received_at, event (`bodies=no` leaves it out)
GET    /_intakes/NAME/violations   what a real receiver would have lost without a word
GET    /_intakes/NAME/requests     what was asked and answered
GET/POST/DELETE /_intakes/NAME/faults    list; add ({"kind": ..} or a list of them); switch all off
DELETE /_intakes/NAME              forget what was stored
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from sandbox.intakes.intake import Asked, Intake, Reply, as_json
from sandbox.intakes.registry import INTAKES, load
from sandbox.switches import FaultError


class Intakes:
    """Some intakes (all of the registry unless named) behind one address. Raises KeyError for an unknown name."""

    def __init__(self, names: Iterable[str] | None = None, **settings: Any) -> None:
        self.all: dict[str, Intake] = {name: load(name)(**settings) for name in names or INTAKES}

    def __getitem__(self, name: str) -> Intake:
        return self.all[name]

    def settings(self, url: str) -> dict[str, dict[str, Any]]:
        """What a sender must know of each intake, when the application is served at `url`."""
        return {name: intake.settings(f"{url}/{name}") for name, intake in self.all.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = await _asked(scope, receive)
        if asked is None:
            return
        _, first, *rest = asked.path.split("/", 2)
        if first in self.all or first == "_intakes" or len(self.all) > 1:
            asked.path = "/" + (rest[0] if rest else "")
        else:
            (first,) = self.all
        if first == "_intakes":
            reply = self._control(asked, _address(scope))
        elif first in self.all:
            intake = self.all[first]
            slow = intake.faults.draw("slow")
            if slow:
                await asyncio.sleep(120 if slow.seconds is None else slow.seconds)
            # a thread, so that one large batch does not hold up what the other intakes answer
            reply = await asyncio.to_thread(intake.handle, asked)
        else:
            reply = self._unknown(first)
        if reply.cut:
            _close(receive)
            return
        await _answer(reply, asked.method, send)

    def _control(self, asked: Asked, url: str) -> Reply:
        name, _, what = asked.path.strip("/").partition("/")
        if not name:
            return as_json(
                {name: self._described(name, settings) for name, settings in self.settings(url).items()}
            )
        if name not in self.all:
            return self._unknown(name)
        return _looked_into(self.all[name], what, asked)

    def _described(self, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        intake = self.all[name]
        return {"settings": settings, "stored": len(intake.stored), "faults": intake.faults.known}

    def _unknown(self, name: str) -> Reply:
        return as_json({"error": f"no intake {name!r}; known are {', '.join(self.all)}"}, 404)


def _looked_into(intake: Intake, what: str, asked: Asked) -> Reply:
    if what == "faults":
        return _switch(intake, asked)
    if what == "events":
        return as_json(_events(intake, asked.query))
    if what in ("violations", "requests"):
        return as_json({what: list(getattr(intake, what))})
    if asked.method == "DELETE" and not what:
        intake.clear()
        return as_json({"stored": 0})
    return as_json({"error": "known are events, violations, requests and faults"}, 404)


def _events(intake: Intake, query: Mapping[str, str]) -> dict[str, Any]:
    rows = [asdict(one) if query.get("bodies") != "no" else _without_body(one) for one in list(intake.stored)]
    return {"count": len(rows), "events": rows}


def _without_body(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", "time", "place", "received_at")}


def _switch(intake: Intake, asked: Asked) -> Reply:
    try:
        if asked.method == "DELETE":
            intake.faults.clear()
        if asked.method == "POST":
            wish = json.loads(asked.sent)
            for one in wish if isinstance(wish, list) else [wish]:
                intake.faults.on(**one)
    except (FaultError, ValueError, TypeError) as problem:
        return as_json({"error": str(problem)}, 400)
    return as_json({"on": intake.faults.describe(), "known": intake.faults.known})


async def _asked(scope: Scope, receive: Receive) -> Asked | None:
    """The whole request; None when the sender went away in the middle of it."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return Asked(
        scope["method"],
        scope["path"],
        dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        b"".join(pieces),
    )


def _address(scope: Scope) -> str:
    host, port = scope["server"] or ("127.0.0.1", 0)
    return f"http://{host}:{port}"


def _close(receive: Receive) -> None:
    """Close the connection without an answer: uvicorn's receive belongs to the request that holds it."""
    with suppress(AttributeError):
        receive.__self__.transport.abort()  # type: ignore[attr-defined]


async def _answer(reply: Reply, method: str, send: Send) -> None:
    headers = {"content-type": reply.media, **reply.headers, "content-length": str(len(reply.body))}
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})
