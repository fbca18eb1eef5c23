"""Elasticsearch and OpenSearch over HTTP: query parameters that a server does not know are left out.

Promise: the body stays as it was. OpenSearch and older servers refuse a whole request for a parameter unknown to
them.
"""

import re
from dataclasses import replace

from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Request, Response

_UNKNOWN = re.compile(rb"unrecognized parameters?: (.+)")
_NAME = re.compile(rb"\[(\w+)\]")


class ParameterTransport:
    """Sends; when the answer names unknown parameters, sends again without them, and leaves them out from then
    on.
    """

    def __init__(self, http: HttpTransport) -> None:
        self._http = http
        self._unknown: frozenset[str] = frozenset()

    def send(self, request: Request) -> Response:
        response = self._http.send(self._without(request))
        found = _UNKNOWN.search(response.body) if response.status == 400 else None
        if found is None:
            return response
        ours = {one.partition("=")[0] for one in request.path.partition("?")[2].split("&")}
        named = ours & {name.decode() for name in _NAME.findall(found[1])}
        if named <= self._unknown:
            return response
        self._unknown |= named
        return self._http.send(self._without(request))

    def _without(self, request: Request) -> Request:
        path, _, query = request.path.partition("?")
        kept = "&".join(one for one in query.split("&") if one.partition("=")[0] not in self._unknown)
        return replace(request, path=f"{path}?{kept}" if kept else path) if self._unknown else request

    def close(self) -> None:
        self._http.close()
