"""The ASGI application of one tenant: routes, and the Date header that follows the tenant's clock."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.api import errors
from sandbox.api.control import Control
from sandbox.api.gate import new_request_id
from sandbox.api.surfaces import surfaces
from sandbox.tenant.tenant import Tenant


class DateHeader:
    """Puts the tenant's time (and a clock_skew fault) into the Date header of every answer."""

    def __init__(self, app: ASGIApp, tenant: Tenant) -> None:
        self.app = app
        self.tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        skew = timedelta(seconds=self.tenant.faults.skew(scope["path"]))

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.tenant.clock.now() + skew, usegmt=True)
                message["headers"] = [*message.get("headers", []), (b"date", date.encode())]
            await send(message)

        await self.app(scope, receive, dated)


def application(tenant: Tenant) -> ASGIApp:
    """Everything this tenant answers. A further API surface is a gate and its paths in `surfaces`."""

    async def no_such_path(request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, HTTPException) else 404
        error = (
            errors.not_found()
            if status == 404
            else errors.ApiError(status, "invalid_request_error", "Method Not Allowed")
        )
        headers = {"request-id": new_request_id()}
        return Response(error.body("", platform_shape=False), status, headers, "application/json")

    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in surfaces(tenant)]
    routes += Control(tenant).routes()
    app = Starlette(routes=routes, exception_handlers={HTTPException: no_such_path})
    return DateHeader(app, tenant)
