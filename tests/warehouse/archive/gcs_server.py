"""A strict pretend Google Cloud Storage over real HTTP: generations, object retention, holds, preconditions.

Written from the JSON API's reference and from answers recorded of the real service: a condition is checked before
a retention (412 comes first); a retained object's refusals are 403 `retentionPolicyNotMet`, a held one's 403
`forbidden`, told apart by the message; with versioning a retained live object can be made noncurrent, and a
noncurrent one is not deleted; an Unlocked retention is shortened, removed or locked with
overrideUnlockedRetention only, a Locked one only extends; none without the bucket's object retention.
`pretends` makes it lie: "overwrite" ignores ifGenerationMatch, "no lock" drops the retention, "forgets" keeps it
for show only, "shortens" lets it be shortened, "damages" alters what is downloaded.
"""

import base64
import hashlib
import itertools
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote

import google_crc32c
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from tests.warehouse.archive.loopback import Answer, Request, serve
from warehouse.archive.gcs import GcsStore

PAGE = 7  # objects in one answer of a listing, so that small tests turn pages


@dataclass
class Object:
    name: str
    data: bytes
    generation: int
    created: datetime
    retention: dict[str, str] | None = None
    hold: bool = False
    deleted: datetime | None = None


@dataclass
class Bucket:
    object_retention: bool
    versioning: bool
    objects: list[Object] = field(default_factory=list)


class Refusal(Exception):
    def __init__(self, status: int, reason: str, message: str = "no") -> None:
        self.status, self.reason, self.message = status, reason, message


class GcsServer:
    def __init__(self) -> None:
        self.endpoint = ""
        self.pretends: set[str] = set()
        self.denied: set[str] = set()  # HTTP methods that this identity may not use on objects
        self.down = 0  # answers 503 to so many requests
        self.signed_in = True
        self.buckets: dict[str, Bucket] = {}
        self.asked: list[Request] = []
        self._sessions: dict[str, tuple[Request, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._generations = itertools.count(1790805519645279)

    def new_bucket(self, *, lock: bool = True, versioning: bool = True) -> str:
        name = f"archive-{secrets.token_hex(6)}"
        self.buckets[name] = Bucket(lock, versioning)
        return name

    def store(self, bucket: str, prefix: str = "prefix", *, lock: str = "compliance") -> GcsStore:
        options = {"api_endpoint": self.endpoint}
        client = Client(project="-", credentials=AnonymousCredentials(), client_options=options)
        return GcsStore(client, bucket, prefix, lock=lock, patience=0.2)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        try:
            with self._lock:
                return self._answer(request)
        except Refusal as refusal:
            told = {"message": refusal.message, "domain": "global", "reason": refusal.reason}
            body = {"error": {"code": refusal.status, "message": refusal.message, "errors": [told]}}
            return Answer(refusal.status, json.dumps(body).encode(), {"content-type": "application/json"})

    # -- routing ---------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Answer:
        if self.down:
            self.down -= 1
            raise Refusal(503, "backendError")
        if not self.signed_in:
            raise Refusal(401, "required")
        path = request.raw_path
        upload, media = path.startswith("/upload/"), path.startswith("/download/")
        parts = (
            path.removeprefix("/upload").removeprefix("/download").removeprefix("/storage/v1/b/").split("/o", 1)
        )
        bucket = self.buckets.get(unquote(parts[0]))
        if bucket is None:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        if upload:
            return self._upload(bucket, request)
        if len(parts) == 1:
            shown = {"name": parts[0], "versioning": {"enabled": bucket.versioning}}
            return _json(shown | ({"objectRetention": {"mode": "Enabled"}} if bucket.object_retention else {}))
        if request.method in self.denied:
            raise Refusal(403, "forbidden", "someone@example.com does not have access to the object.")
        if not parts[1].strip("/"):
            return self._list(bucket, request.query)
        found = self._find(bucket, unquote(parts[1].removeprefix("/")), request.query.get("generation"))
        if request.method == "PATCH":
            return self._patch(bucket, found, request)
        if request.method == "DELETE":
            return self._delete(bucket, found, by_generation="generation" in request.query)
        return self._download(found) if media or request.query.get("alt") == "media" else _json(_described(found))

    # -- writing ---------------------------------------------------------------------------------------------

    def _upload(self, bucket: Bucket, request: Request) -> Answer:
        kind = request.query.get("uploadType")
        if kind == "multipart":
            metadata, data = _parts(request)
            return self._insert(bucket, metadata, data, request.query)
        if kind == "resumable" and request.method == "POST":
            session = str(len(self._sessions))
            self._sessions[session] = (request, json.loads(request.body))
            return Answer(200, b"", {"location": f"{self.endpoint}{request.raw_path}?upload_id={session}"})
        begun, metadata = self._sessions[request.query["upload_id"]]
        return self._insert(bucket, metadata, request.body, begun.query)

    def _insert(self, bucket: Bucket, metadata: dict[str, Any], data: bytes, query: dict[str, str]) -> Answer:
        if "PUT" in self.denied:
            raise Refusal(403, "forbidden", "someone@example.com does not have storage.objects.create access.")
        name = metadata.get("name") or query["name"]
        live = next((o for o in bucket.objects if o.name == name and o.deleted is None), None)
        if query.get("ifGenerationMatch") == "0" and live and "overwrite" not in self.pretends:
            raise Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
        sums = {"md5Hash": hashlib.md5(data).digest(), "crc32c": google_crc32c.Checksum(data).digest()}
        for field_name, digest in sums.items():
            if metadata.get(field_name, _b64(digest)) != _b64(digest):
                raise Refusal(400, "invalid", f"Provided {field_name} hash doesn't match the calculated one.")
        made = Object(name, data, next(self._generations), datetime.now(UTC))
        if metadata.get("retention") and "no lock" not in self.pretends:
            self._retain(bucket, made, metadata["retention"], override=False)
        if live:
            self._retire(bucket, live)
        bucket.objects.append(made)
        return _json(_described(made))

    def _patch(self, bucket: Bucket, found: Object, request: Request) -> Answer:
        change = json.loads(request.body)
        if "temporaryHold" in change:
            found.hold = bool(change["temporaryHold"])
        if "retention" in change:
            override = request.query.get("overrideUnlockedRetention", "").lower() == "true"
            self._retain(bucket, found, change["retention"], override=override)
        return _json(_described(found))

    def _retain(self, bucket: Bucket, found: Object, wanted: dict[str, str] | None, *, override: bool) -> None:
        before = found.retention
        if not wanted or not wanted.get("mode"):
            if before and (before["mode"] == "Locked" or not override):
                raise Refusal(403, "forbidden", "The retention cannot be removed.")
            found.retention = None
            return
        until = datetime.fromisoformat(wanted["retainUntilTime"])
        if not bucket.object_retention or until <= datetime.now(UTC):
            raise Refusal(400, "invalid", "Object retention is not enabled, or its time has passed.")
        if before and "shortens" not in self.pretends:
            shorter = until < datetime.fromisoformat(before["retainUntilTime"])
            if before["mode"] == "Locked" and (wanted["mode"] != "Locked" or shorter):
                raise Refusal(403, "forbidden", "A Locked retention can only be extended.")
            if before["mode"] == "Unlocked" and (wanted["mode"] == "Locked" or shorter) and not override:
                raise Refusal(403, "forbidden", "overrideUnlockedRetention is needed.")
        found.retention = {"mode": wanted["mode"], "retainUntilTime": wanted["retainUntilTime"]}

    def _delete(self, bucket: Bucket, found: Object, *, by_generation: bool) -> Answer:
        if bucket.versioning and not by_generation:
            found.deleted = datetime.now(UTC)  # noncurrent, and kept as before
        else:
            self._demand_free(found)
            bucket.objects.remove(found)
        return Answer(204)

    def _retire(self, bucket: Bucket, live: Object) -> None:
        if bucket.versioning:
            live.deleted = datetime.now(UTC)
        else:
            self._demand_free(live)
            bucket.objects.remove(live)

    def _demand_free(self, found: Object) -> None:
        if "forgets" in self.pretends:
            return
        if found.hold:
            raise Refusal(
                403,
                "forbidden",
                f"Object '{found.name}' is under active Temporary hold and cannot be deleted, overwritten or "
                "archived until hold is removed.",
            )
        if found.retention and datetime.fromisoformat(found.retention["retainUntilTime"]) > datetime.now(UTC):
            raise Refusal(
                403,
                "retentionPolicyNotMet",
                f"Object '{found.name}' is subject to bucket's retention policy or object retention and cannot be "
                f"deleted or overwritten until {found.retention['retainUntilTime']}",
            )

    # -- reading ---------------------------------------------------------------------------------------------

    def _find(self, bucket: Bucket, name: str, generation: str | None) -> Object:
        for found in bucket.objects:
            if found.name == name and (
                found.deleted is None if generation is None else str(found.generation) == generation
            ):
                return found
        raise Refusal(404, "notFound", f"No such object: {name}")

    def _download(self, found: Object) -> Answer:
        digest = google_crc32c.Checksum(found.data).digest()
        hashes = f"crc32c={_b64(digest)},md5={_b64(hashlib.md5(found.data).digest())}"
        data = b"!" + found.data[1:] if "damages" in self.pretends else found.data
        return Answer(200, data, {"x-goog-hash": hashes, "content-type": "application/octet-stream"})

    def _list(self, bucket: Bucket, query: dict[str, str]) -> Answer:
        everything = query.get("versions", "").lower() == "true"
        shown = [
            found
            for found in sorted(bucket.objects, key=lambda o: (o.name.encode(), o.generation))
            if found.name.startswith(query.get("prefix", ""))
            and found.name.encode() >= query.get("startOffset", "").encode()
            and (everything or found.deleted is None)
        ]
        start = int(query.get("pageToken") or 0)
        page = {"items": [_described(found) for found in shown[start : start + PAGE]]}
        return _json(page | ({"nextPageToken": str(start + PAGE)} if len(shown) > start + PAGE else {}))


def _described(found: Object) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": "storage#object",
        "name": found.name,
        "generation": str(found.generation),
        "metageneration": "1",
        "size": str(len(found.data)),
        "timeCreated": _rfc3339(found.created),
        "md5Hash": _b64(hashlib.md5(found.data).digest()),
        "crc32c": _b64(google_crc32c.Checksum(found.data).digest()),
    }
    if found.deleted:
        shown["timeDeleted"] = _rfc3339(found.deleted)
    if found.hold:
        shown["temporaryHold"] = True
    if found.retention:
        shown["retention"] = found.retention
        shown["retentionExpirationTime"] = found.retention["retainUntilTime"]
    return shown


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """The JSON and the bytes of a multipart/related body."""
    boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    _, first, second, _ = request.body.split(b"--" + boundary)
    metadata = message_from_bytes(first.lstrip(b"\r\n")).get_payload()
    assert isinstance(metadata, str)
    return json.loads(metadata), second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def _json(document: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(document).encode(), {"content-type": "application/json; charset=UTF-8"})


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@contextmanager
def running() -> Iterator[GcsServer]:
    server = GcsServer()
    with serve(server.answer) as endpoint:
        server.endpoint = endpoint
        yield server
