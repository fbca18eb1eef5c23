"""A strict pretend Azure Blob Storage over real HTTP: versions, version-level policies, legal holds, conditions.

Written from the REST reference (Put Blob, Delete Blob, Set Blob Immutability Policy, Set Blob Legal Hold, List
Blobs) and the table of error codes, because the emulator takes an immutability header and ignores it. From
recorded answers: 403 OperationNotAllowedOnRootBlob for deleting the current version by its id. Deleting a name
makes its version a previous one. Assumed, where neither says it: 409 BlobImmutableDueToPolicy for shortening or
removing a Locked policy. `pretends` makes it lie, as stores were seen to: "overwrite" ignores If-None-Match,
"no lock" drops the policy, "forgets" keeps it for show only, "shortens" lets it be shortened.
"""

import base64
import hashlib
import hmac
import itertools
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from xml.sax.saxutils import escape

from tests.warehouse.archive.loopback import Answer, Request, serve
from warehouse.archive.azure import AzureStore
from warehouse.archive.azure_client import container_client

ACCOUNT = "exampleaccount"
KEY = base64.b64encode(b"never-to-be-shown-0123456789").decode()
PAGE = 7  # blobs in one answer of a listing, so that small tests turn pages


@dataclass
class Version:
    data: bytes
    version_id: str | None
    modified: datetime
    mode: str | None = None
    until: datetime | None = None
    hold: bool = False
    deleted: bool = False  # softly: it can be brought back


@dataclass
class Blob:
    versions: list[Version] = field(default_factory=list)
    current: Version | None = None


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code


class AzureServer:
    """The account. `containers` maps a name to (has version-level immutability, its blobs)."""

    def __init__(self, *, versioning: bool = True, soft_delete: bool = False) -> None:
        self.soft_delete = soft_delete
        self.endpoint = ""
        self.versioning = versioning
        self.pretends: set[str] = set()
        self.denied: set[str] = set()  # HTTP methods that this identity may not use on blobs
        self.down = 0  # answers 503 to so many requests
        self.containers: dict[str, tuple[bool, dict[str, Blob]]] = {}
        self.asked: list[Request] = []
        self._lock = threading.Lock()
        self._ticks = itertools.count(1)

    def new_container(self, *, lock: bool = True) -> str:
        name = f"archive{secrets.token_hex(6)}"
        self.containers[name] = (lock, {})
        return name

    def store(self, container: str, prefix: str = "prefix", *, lock: str = "compliance") -> AzureStore:
        client = container_client(
            container, endpoint=f"{self.endpoint}/{ACCOUNT}", credential=lambda: KEY, retry_total=0
        )
        return AzureStore(client, prefix, lock=lock)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        headers = {"x-ms-request-id": "0", "x-ms-version": request.headers.get("x-ms-version", "")}
        try:
            with self._lock:
                given = self._answer(request)
        except Refusal as refusal:
            code = refusal.code
            body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>no</Message></Error>"
            headers |= {"x-ms-error-code": code, "content-type": "application/xml"}
            return Answer(refusal.status, b"" if request.method == "HEAD" else body.encode(), headers)
        given.headers = {**headers, **given.headers}
        return given

    # -- routing ---------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Answer:
        if self.down:
            self.down -= 1
            raise Refusal(503, "ServerBusy")
        self._authenticate(request)
        _, account, container, *rest = request.path.split("/", 3)
        if account != ACCOUNT or container not in self.containers:
            raise Refusal(404, "ContainerNotFound")
        locked, blobs = self.containers[container]
        query, name = request.query, rest[0] if rest else ""
        if query.get("restype") == "container":
            if query.get("comp") == "list":
                return self._list(blobs, query)
            shown = {"x-ms-immutable-storage-with-versioning-enabled": "true" if locked else "false"}
            return Answer(200, b"", {"etag": '"0x1"', "last-modified": _http(_now()), **shown})
        if request.method in self.denied:
            raise Refusal(403, "AuthorizationPermissionMismatch")
        comp = query.get("comp")
        if request.method == "PUT" and comp is None:
            return self._put(blobs.setdefault(name, Blob()), request, locked)
        blob = blobs.get(name, Blob())
        version = self._find(blob, query.get("versionid"))
        if comp == "immutabilityPolicies":
            given = self._policy(version, request, locked)
        elif comp == "legalhold" and request.method == "PUT":
            given = self._hold(version, request, locked)
        elif request.method == "DELETE":
            given = self._delete(blob, version, by_id="versionid" in query)
        elif request.method in ("GET", "HEAD") and comp is None:
            given = self._get(version, request)
        else:
            raise Refusal(501, "APINotImplemented")
        return given

    def _authenticate(self, request: Request) -> None:
        """Shared Key, computed as the documentation says; nobody signs in with a token over plain HTTP."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind != "SharedKey":
            raise Refusal(401, "NoAuthenticationInformation")
        h = request.headers
        length = h.get("content-length", "")
        lines = [request.method, h.get("content-encoding", ""), h.get("content-language", "")]
        lines += ["" if length == "0" else length, h.get("content-md5", ""), h.get("content-type", ""), ""]
        lines += [h.get(f"if-{n}", "") for n in ("modified-since", "match", "none-match", "unmodified-since")]
        lines += [h.get("range", "")]
        lines += [f"{name}:{h[name]}" for name in sorted(h) if name.startswith("x-ms-")]
        lines += [
            f"/{ACCOUNT}{request.raw_path}",
            *(f"{name.lower()}:{request.query[name]}" for name in sorted(request.query)),
        ]
        digest = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
        if given != f"{ACCOUNT}:{base64.b64encode(digest).decode()}":
            raise Refusal(403, "AuthenticationFailed")

    # -- blobs -----------------------------------------------------------------------------------------------

    def _put(self, blob: Blob, request: Request, locked: bool) -> Answer:
        headers = request.headers
        if headers.get("x-ms-blob-type") != "BlockBlob":
            raise Refusal(400, "InvalidHeaderValue")
        if headers.get("if-none-match") == "*" and blob.current and "overwrite" not in self.pretends:
            raise Refusal(409, "BlobAlreadyExists")
        md5 = base64.b64encode(hashlib.md5(request.body).digest()).decode()
        if headers.get("content-md5", md5) != md5:
            raise Refusal(400, "Md5Mismatch")
        stamp = _now().replace(microsecond=0) + timedelta(microseconds=next(self._ticks))
        version = Version(request.body, f"{stamp:%Y-%m-%dT%H:%M:%S.%f}0Z" if self.versioning else None, _now())
        if "x-ms-immutability-policy-until-date" in headers and "no lock" not in self.pretends:
            self._set_policy(version, headers, locked)
        if not self.versioning:
            blob.versions.clear()
        blob.versions.append(version)
        blob.current = version
        return Answer(
            201, b"", {**_described(version), "content-md5": md5, "x-ms-request-server-encrypted": "true"}
        )

    def _get(self, version: Version, request: Request) -> Answer:
        headers = _described(version) | {
            "content-type": "application/octet-stream",
            "x-ms-blob-type": "BlockBlob",
            "accept-ranges": "bytes",
        }
        size = len(version.data)
        if request.method == "HEAD":
            return Answer(200, b"", headers | {"content-length": str(size)})
        wanted = request.headers.get("x-ms-range") or request.headers.get("range")
        if wanted is None:
            return Answer(200, version.data, headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if int(first) >= size:
            raise Refusal(416, "InvalidRange")
        part = version.data[int(first) : int(last or size) + 1]
        shown = f"bytes {first}-{int(first) + len(part) - 1}/{size}"
        return Answer(206, part, headers | {"content-range": shown})

    def _delete(self, blob: Blob, version: Version, *, by_id: bool) -> Answer:
        if by_id:
            if version is blob.current:
                raise Refusal(403, "OperationNotAllowedOnRootBlob")
            self._remove(blob, version)
        else:
            if not self.versioning:
                self._remove(blob, version)
            blob.current = None  # its version stays, as a previous one
        return Answer(202)

    def _remove(self, blob: Blob, version: Version) -> None:
        self._demand_free(version)
        if self.soft_delete:
            version.deleted = True
        else:
            blob.versions.remove(version)

    def _policy(self, version: Version, request: Request, locked: bool) -> Answer:
        if request.method == "DELETE":
            if version.mode == "Locked" and version.until and version.until > _now():
                raise Refusal(409, "BlobImmutableDueToPolicy")
            version.mode = version.until = None
            return Answer(200)
        self._set_policy(version, request.headers, locked)
        return Answer(200, b"", _locks(version))

    def _hold(self, version: Version, request: Request, locked: bool) -> Answer:
        if not locked or not self.versioning:
            raise Refusal(409, "FeatureVersionMismatch")
        version.hold = request.headers["x-ms-legal-hold"].lower() == "true"
        return Answer(200, b"", {"x-ms-legal-hold": str(version.hold).lower()})

    def _set_policy(self, version: Version, headers: dict[str, str], locked: bool) -> None:
        if not locked or not self.versioning:
            raise Refusal(409, "FeatureVersionMismatch")
        until = parsedate_to_datetime(headers["x-ms-immutability-policy-until-date"])
        mode = headers.get("x-ms-immutability-policy-mode", "Unlocked").capitalize()
        if until <= _now() or mode not in ("Locked", "Unlocked"):
            raise Refusal(400, "InvalidHeaderValue")
        weaker = version.until is not None and (until < version.until or mode != "Locked")
        if version.mode == "Locked" and weaker and "shortens" not in self.pretends:
            raise Refusal(409, "BlobImmutableDueToPolicy")
        version.mode, version.until = mode, until

    def _demand_free(self, version: Version) -> None:
        if "forgets" in self.pretends:
            return
        if version.hold:
            raise Refusal(409, "BlobImmutableDueToLegalHold")
        if version.until and version.until > _now():
            raise Refusal(409, "BlobImmutableDueToPolicy")

    def _find(self, blob: Blob, version_id: str | None) -> Version:
        if version_id is None:
            if blob.current is None:
                raise Refusal(404, "BlobNotFound")
            return blob.current
        try:
            datetime.fromisoformat(version_id[:26])
        except ValueError:
            raise Refusal(400, "InvalidQueryParameterValue") from None
        for version in blob.versions:
            if version.version_id == version_id and not version.deleted:
                return version
        raise Refusal(404, "BlobNotFound")

    def _list(self, blobs: dict[str, Blob], query: dict[str, str]) -> Answer:
        all_versions = "versions" in query.get("include", "")
        shown: list[tuple[str, Version, Blob]] = []
        for name in sorted(blobs, key=str.encode):
            blob = blobs[name]
            if name.startswith(query.get("prefix", "")):
                wanted = blob.versions if all_versions else [blob.current] if blob.current else []
                wanted = [one for one in wanted if not one.deleted or "deleted" in query.get("include", "")]
                shown += [(name, version, blob) for version in wanted]
        start = int(query.get("marker") or 0)
        page, rest = shown[start : start + PAGE], shown[start + PAGE :]
        items = "".join(_listed(name, version, blob, all_versions) for name, version, blob in page)
        marker = str(start + PAGE) if rest else ""
        body = (
            "<?xml version='1.0' encoding='utf-8'?><EnumerationResults>"
            f"<Prefix>{escape(query.get('prefix', ''))}</Prefix><Blobs>"
            f"{items}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
        return Answer(200, body.encode(), {"content-type": "application/xml"})


def _listed(name: str, version: Version, blob: Blob, all_versions: bool) -> str:
    marks = ""
    if all_versions and version.version_id:
        marks = f"<VersionId>{version.version_id}</VersionId>"
        marks += "<IsCurrentVersion>true</IsCurrentVersion>" if version is blob.current else ""
    marks += "<Deleted>true</Deleted>" if version.deleted else ""
    return (
        f"<Blob><Name>{escape(name)}</Name>{marks}<Properties>"
        f"<Last-Modified>{_http(version.modified)}</Last-Modified>"
        f"<Etag>0x1</Etag><Content-Length>{len(version.data)}</Content-Length>"
        "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType>"
        "</Properties></Blob>"
    )


def _described(version: Version) -> dict[str, str]:
    headers = {"etag": '"0x1"', "last-modified": _http(version.modified), **_locks(version)}
    return headers | ({"x-ms-version-id": version.version_id} if version.version_id else {})


def _locks(version: Version) -> dict[str, str]:
    headers: dict[str, str] = {"x-ms-legal-hold": "true"} if version.hold else {}
    if version.until and version.mode:
        headers["x-ms-immutability-policy-until-date"] = _http(version.until)
        headers["x-ms-immutability-policy-mode"] = version.mode.lower()
    return headers


def _now() -> datetime:
    return datetime.now(UTC)


def _http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@contextmanager
def running(**options: Any) -> Iterator[AzureServer]:
    server = AzureServer(**options)
    with serve(server.answer) as endpoint:
        server.endpoint = endpoint
        yield server
