"""A CloudTrail trail as AWS leaves one in a bucket, and the one answer of CloudTrail that its validator asks for.

Hourly digests: gzipped JSON, chained by the signature of the one before, signed SHA256withRSA over end time,
place, hash and previous signature; the signature lies in the object's metadata. Whether this is the format, the
validator itself says: it finds the untouched trail valid.
"""

import base64
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCOUNT, REGION, NAME = "111122223333", "us-east-1", "audit"
ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{NAME}"
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


@dataclass
class Trail:
    """A trail in a bucket. `digests` and `logs` are its keys, hour by hour."""

    client: Any
    bucket: str
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    digests: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    _previous: tuple[str, str, str] | None = None  # key, hash, signature of the digest before

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)

    @property
    def fingerprint(self) -> str:
        return hashlib.md5(self.public_key, usedforsecurity=False).hexdigest()

    def add_hour(self, *, restart: bool = False) -> None:
        """Another hour: a log file and its digest; after a `restart` one that knows none before it."""
        start = BEGIN + timedelta(hours=len(self.digests))
        end = start + timedelta(hours=1)
        log, content = (
            self.place("CloudTrail", end),
            json.dumps({"Records": [{"eventTime": _iso(start)}]}).encode(),
        )
        self.client.put_object(Bucket=self.bucket, Key=log, Body=gzip.compress(content))
        previous = None if restart else self._previous
        key = self.place("CloudTrail-Digest", end)
        digest = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": _iso(start),
            "digestEndTime": _iso(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": _iso(start),
            "oldestEventTime": _iso(start),
            "previousDigestS3Bucket": self.bucket if previous else None,
            "previousDigestS3Object": previous[0] if previous else None,
            "previousDigestHashValue": previous[1] if previous else None,
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestSignature": previous[2] if previous else None,
            "logFiles": [
                {
                    "s3Bucket": self.bucket, "s3Object": log, "hashAlgorithm": "SHA-256",
                    "hashValue": hashlib.sha256(content).hexdigest(),
                    "newestEventTime": _iso(start), "oldestEventTime": _iso(start),
                }
            ],
        }  # fmt: skip
        data = json.dumps(digest).encode()
        hashed = hashlib.sha256(data).hexdigest()
        text = f"{_iso(end)}\n{self.bucket}/{key}\n{hashed}\n{previous[2] if previous else 'null'}"
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), SHA256()).hex()
        self.client.put_object(
            Bucket=self.bucket, Key=key, Body=gzip.compress(data),
            Metadata={"signature": signature, "signature-algorithm": "SHA256withRSA"},
        )  # fmt: skip
        self.digests.append(key)
        self.logs.append(log)
        self._previous = (key, hashed, signature)

    def place(self, kind: str, end: datetime) -> str:
        trail = f"{NAME}_{REGION}_" if kind == "CloudTrail-Digest" else ""
        folder = f"AWSLogs/{ACCOUNT}/{kind}/{REGION}/{end:%Y/%m/%d}"
        return f"{folder}/{ACCOUNT}_{kind}_{REGION}_{trail}{end:%Y%m%dT%H%M%SZ}.json.gz"

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)


@contextmanager
def public_keys(trail: Trail) -> Iterator[str]:
    """CloudTrail's ListPublicKeys on loopback, and nothing else; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            known = self.headers.get("x-amz-target", "").endswith("ListPublicKeys")
            key = {
                "Value": base64.b64encode(trail.public_key).decode(), "Fingerprint": trail.fingerprint,
                "ValidityStartTime": BEGIN.timestamp() - 86400, "ValidityEndTime": END.timestamp() + 86400,
            }  # fmt: skip
            answer = {"PublicKeyList": [key]} if known else {"__type": "UnsupportedOperationException"}
            body = json.dumps(answer).encode()
            self.send_response(200 if known else 400)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
