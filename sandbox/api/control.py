"""The sandbox's own switches under `/_sandbox/`: no key, no audit, no part of the vendor's API.

GET  truth?start=&end=   NDJSON of the verbatim records visible now in [start, end)
GET  requests            what was served, with request ids
GET/POST/DELETE faults   list; add ({"kind":..}, a list of them, or {"faults": "as --faults"};
                         "clear": true first); switch all off
GET/POST clock           {"now": RFC 3339} or {"advance_seconds": n}
GET  stories             what was planted in the span of the feed
GET  spend?start=&end=   totals of days [start, end) by=day,product,.. in the export at= (default: the newest)
GET  spend/DAY           a day's totals, its history (what each export showed) and its restatements
POST setting             {"name": .., "value": ..}: an organisation's setting, with no activity behind it
POST directory           {"role": [user_id, role]}, {"remove": user_id} or {"key": [id, name]}: the same for lists
POST spend               {"lines": [{"day", "actor_id", "product", "model", "usd", "input", "output"}]}: more of it
POST redact              {"user_id"|"email": .., "replacement": ..}
POST inject              {"records": [..]}: records with created_at, actor and type, served from now on
POST withdraw            {"ids": [..]} or {"day": "YYYY-MM-DD", "count": n}
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import parse_moment, rfc3339
from sandbox.faults import RECORD_FAULTS, REQUEST_FAULTS, Fault, parse_faults
from sandbox.tenant.tenant import Tenant

Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The control endpoints of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def routes(self) -> list[Route]:
        def route(name: str, endpoint: Endpoint, *methods: str) -> Route:
            return Route(f"/_sandbox/{name}", _told_what_is_wrong(endpoint), methods=list(methods))

        return [
            route("truth", self.truth, "GET"),
            route("requests", self.requests, "GET"),
            route("faults", self.faults, "GET", "POST", "DELETE"),
            route("clock", self.clock, "GET", "POST"),
            route("stories", self.stories, "GET"),
            route("spend", self.spend, "GET", "POST"),
            route("spend/{day}", self.spend_day, "GET"),
            route("setting", self.setting, "POST"),
            route("directory", self.directory, "POST"),
            route("redact", self.redact, "POST"),
            route("withdraw", self.withdraw, "POST"),
            route("inject", self.inject, "POST"),
        ]

    async def truth(self, request: Request) -> Response:
        """Verbatim records, one a line, oldest first."""
        bounds = [request.query_params.get(name) for name in ("start", "end")]
        start, end = (parse_moment(bound) if bound else None for bound in bounds)
        body = b"".join(record + b"\n" for record in self.tenant.records(start, end))
        return Response(body, media_type="application/x-ndjson")

    async def requests(self, request: Request) -> Response:
        return JSONResponse(list(self.tenant.requests))

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.tenant.clear_faults()
        if request.method == "POST":
            self._switch(await request.json())
        known = REQUEST_FAULTS | RECORD_FAULTS
        return JSONResponse({"on": self.tenant.faults.describe() + self.tenant.describe_damage(), "known": known})

    def _switch(self, wish: Any) -> None:
        if isinstance(wish, dict):
            if wish.get("clear"):
                self.tenant.clear_faults()
            added = [Fault.of(wish)] if "kind" in wish else parse_faults(json.dumps(wish.get("add", [])))
            if isinstance(wish.get("faults"), str):
                added += parse_faults(wish["faults"])
        else:
            added = parse_faults(json.dumps(wish))
        for fault in added:
            self.tenant.switch_on(fault)

    async def clock(self, request: Request) -> Response:
        if request.method == "POST":
            wish = await request.json()
            if "now" in wish:
                self.tenant.clock.set(parse_moment(wish["now"]))
            self.tenant.clock.advance(float(wish.get("advance_seconds", 0)))
        clock = self.tenant.clock
        return JSONResponse({"now": rfc3339(clock.now()), "running": clock.running})

    async def stories(self, request: Request) -> Response:
        return JSONResponse(self.tenant.stories())

    async def spend(self, request: Request) -> Response:
        """Ground truth of cost: rows of decimal strings in cents, like the API's. Or more of it."""
        if request.method == "POST":
            return JSONResponse({"booked": self.tenant.book((await request.json())["lines"])})
        given = request.query_params
        by = tuple(name for name in given.get("by", "").split(",") if name)
        at = parse_moment(given["at"]) if "at" in given else None
        start, end = date.fromisoformat(given["start"]), date.fromisoformat(given["end"])
        return JSONResponse(self.tenant.spend.rows(start, end, by, at))

    async def spend_day(self, request: Request) -> Response:
        return JSONResponse(self.tenant.spend.describe(date.fromisoformat(request.path_params["day"])))

    async def setting(self, request: Request) -> Response:
        wish = await request.json()
        self.tenant.set_setting(str(wish["name"]), wish["value"])
        return JSONResponse({"changed": wish["name"]})

    async def directory(self, request: Request) -> Response:
        wish = await request.json()
        self.tenant.change_directory(wish)
        return JSONResponse({"changed": sorted(wish)})

    async def redact(self, request: Request) -> Response:
        wish = await request.json()
        changed = self.tenant.redact(
            user_id=wish.get("user_id"), email=wish.get("email"), replacement=wish.get("replacement", "[redacted]")
        )
        return JSONResponse({"changed": len(changed), "ids": changed})

    async def inject(self, request: Request) -> Response:
        given = self.tenant.inject((await request.json())["records"])
        return JSONResponse({"injected": len(given), "ids": given})

    async def withdraw(self, request: Request) -> Response:
        wish = await request.json()
        day = date.fromisoformat(wish["day"]) if "day" in wish else None
        gone = self.tenant.withdraw(wish.get("ids"), day=day, count=int(wish.get("count", 1)))
        return JSONResponse({"withdrawn": len(gone), "ids": gone})


def _told_what_is_wrong(endpoint: Endpoint) -> Endpoint:
    """A wish that cannot be carried out is a 400 with the reason."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return JSONResponse({"error": f"{type(problem).__name__}: {problem}"}, status_code=400)

    return guarded
