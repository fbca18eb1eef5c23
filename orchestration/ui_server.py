"""`python -m orchestration.ui_server`: Dagster's webserver and its options; it takes orders from its own pages.

Promise: no page of another site can start a run, stop a schedule or read an answer through the browser of somebody
who may. Dagster itself has no login, runs mutations that come by GET, and looks at no origin. Whoever reaches the
port without a browser still can: an access control in front of it is not replaced by this.
"""

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dagster_webserver import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration.closing import close_to_others

# Names by which the server may be asked for, commas between: no other site's name can be pointed at this address
# (DNS rebinding). Unset where a proxy stands in front, which looks at names itself.
HOSTS = "LEDGERLINE_UI_HOSTS"
_READING = ("GET", "HEAD")
_OWN = (None, "same-origin", "none")


class OwnPagesOnly:
    """ASGI middleware: 403 for what a page of another site asks for; a WebSocket is closed before it opens."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = frozenset()) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = self.refused(scope) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            await PlainTextResponse(f"refused: {why}\n", 403)(scope, receive, send)

    def refused(self, scope: Scope) -> str | None:
        """Why a request is not answered; None where it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            return f"the server is asked by another name than {' or '.join(sorted(self._hosts))}"
        if scope["type"] == "http" and scope["method"] in _READING:
            asked = scope["path"].endswith("/graphql") and "query" in parse_qs(
                scope["query_string"].decode("latin-1")
            )
            return "a question is sent by POST, which no link can do" if asked else None
        if headers.get("sec-fetch-site") not in _OWN:
            return "a page of another site asks"
        origin = headers.get("origin")
        # a proxy may write its own name into Host; a page cannot make its reader's browser say who forwarded
        ours = {host, headers.get("x-forwarded-host", host)}
        if origin is not None and urlsplit(origin).netloc not in ours:
            return "a page of another site asks"
        return None


def main() -> None:
    """Run Dagster's webserver of this process's arguments, behind the guard."""
    close_to_others()
    hosts = frozenset(name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip())
    own = DagsterWebserver.build_middleware

    def guarded(server: Any) -> list[Middleware]:
        return [Middleware(OwnPagesOnly, hosts=hosts), *own(server)]

    setattr(DagsterWebserver, own.__name__, guarded)
    cli.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
