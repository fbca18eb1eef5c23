"""Requests as objects of a bucket. A request's `path` is its key; the same batch has the same key and bytes.

Promise: `send` never raises for what the network or S3 does; a put is checked by its SHA-256; no credential in a
text.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from warehouse.delivery.answers import reason, retry_after
from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Outcome, Request, Response, all_of

_CREDENTIALS = "give this machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_UNTRUSTED = "correct s3_endpoint, or set AWS_CA_BUNDLE to the PEM file of its authority"
_REMEDIES = {
    "AccessDenied": "allow s3:PutObject there for this machine's role (or role_arn), and kms:GenerateDataKey "
    "where the bucket has an encryption key of its own",
    "NoSuchBucket": "correct url: the bucket is not there",
    "InvalidAccessKeyId": "correct the AWS credentials of this machine",
    "SignatureDoesNotMatch": "correct the AWS credentials of this machine",
    "ExpiredToken": "renew the AWS credentials of this machine",
    "PermanentRedirect": "correct region: the bucket is in another one",
}


class S3Transport:
    """Puts objects into one bucket under one prefix. Thread-safe.

    url: `s3://bucket/prefix`. client: of boto3; made here by `s3_client` for most.
    """

    def __init__(self, name: str, url: str, client: Any) -> None:
        self.name = name
        self._bucket, _, self._prefix = url.removeprefix("s3://").partition("/")
        self._client = client

    def send(self, request: Request) -> Response:
        """200 with the object's address and tag as `ack`. Raises Halted where there are no AWS credentials."""
        from botocore.exceptions import (  # noqa: PLC0415 - an extra
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            PartialCredentialsError,
        )

        key = self._key(request.path)
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=request.body,
                ContentType=request.headers.get("Content-Type", "application/octet-stream"),
                ChecksumSHA256=digest,
            )
        except (NoCredentialsError, PartialCredentialsError):
            raise Halted(
                f"there are no AWS credentials for destination {self.name}",
                remedy=_CREDENTIALS,
            ) from None
        except ClientError as refusal:
            error = refusal.response.get("Error", {})
            told = refusal.response.get("ResponseMetadata", {})
            return Response(
                status=int(told.get("HTTPStatusCode") or 500),
                headers={name.lower(): value for name, value in (told.get("HTTPHeaders") or {}).items()},
                body=f"{error.get('Code', '')}: {error.get('Message', '')}".encode(),
            )
        except BotoCoreError as problem:
            if _untrusted(problem):
                raise Halted(
                    f"the certificate of destination {self.name} is not trusted", remedy=_UNTRUSTED
                ) from None
            return Response(status=0, error=f"no answer from S3 ({type(problem).__name__})")
        version = answer.get("VersionId")
        where = f"s3://{self._bucket}/{key} etag={str(answer.get('ETag', '')).strip(chr(34))}"
        return Response(status=200, ack=f"{where} version={version}" if version else where)

    def probe(self) -> Outcome:
        """Whether the bucket is there, asked without putting anything. A role that may only put is refused the
        question, and the bucket is there."""
        from botocore.exceptions import (  # noqa: PLC0415 - an extra
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            PartialCredentialsError,
        )

        try:
            self._client.head_bucket(Bucket=self._bucket)
        except (NoCredentialsError, PartialCredentialsError):
            return Outcome(kind="halt", reason="there are no AWS credentials", remedy=_CREDENTIALS)
        except ClientError as refusal:
            return _without_bucket(self._bucket, refusal)
        except BotoCoreError as problem:
            if _untrusted(problem):
                return Outcome(kind="halt", reason="its certificate is not trusted", remedy=_UNTRUSTED)
            why = f"no answer from S3 ({type(problem).__name__})"
            return Outcome(kind="retry", reason=why, remedy="check region, s3_endpoint and the network")
        return Outcome(kind="delivered", reason=f"bucket {self._bucket} is there (nothing was put)")

    def close(self) -> None:
        self._client.close()

    def _key(self, path: str) -> str:
        """A path that begins with `-` goes on with the last step of the prefix; any other is below it."""
        if not self._prefix or path.startswith("-"):
            return self._prefix + path
        return f"{self._prefix}/{path}"


def s3_outcomes(response: Response, count: int) -> Sequence[Outcome]:
    """What an answer of S3 means: an object is there whole, or it is not."""
    if response.status == 200:
        return all_of(count, Outcome(kind="delivered", ack=response.ack or "HTTP 200"))
    code = response.body.partition(b":")[0].decode("ascii", "replace")
    why = reason(response)
    if code == "EntityTooLarge":
        return all_of(count, Outcome(kind="split", reason=why))
    # BadDigest: damaged on the way; RequestTimeout: S3 says it with status 400
    again = code in ("BadDigest", "RequestTimeout", "XAmzContentSHA256Mismatch", "OperationAborted")
    if again or response.status in (0, 408, 409, 429) or response.status >= 500:
        return all_of(count, Outcome(kind="retry", reason=why, after=retry_after(response.headers)))
    remedy = _REMEDIES.get(code, "correct url, region or the rights of this machine's role")
    return all_of(count, Outcome(kind="halt", reason=why, remedy=remedy))


def _untrusted(problem: Exception) -> bool:
    """Whether a certificate that does not verify is behind it: botocore has one error for whatever goes wrong in
    TLS, and two ways of checking a name."""
    return any(words in str(problem) for words in ("CERTIFICATE_VERIFY_FAILED", "doesn't match"))


def _without_bucket(bucket: str, refusal: Any) -> Outcome:
    """What a refused question after a bucket means. S3 answers it without a body: the status is all there is."""
    status = int(refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500)
    code = str(refusal.response.get("Error", {}).get("Code", ""))
    said = f"{status} ({code})" if code not in ("", str(status)) else str(status)
    if refusal.operation_name != "HeadBucket":
        why = f"the role cannot be taken ({code})"
        return Outcome(kind="halt", reason=why, remedy="check role_arn, external_id and whom the role trusts")
    if status == 403 and code in ("403", "AccessDenied", "Forbidden"):
        why = f"bucket {bucket} is there; whether it may be written to shows with the first event"
        return Outcome(kind="delivered", reason=why)
    if status in (301, 400, 403, 404):
        named = {301: "PermanentRedirect", 404: "NoSuchBucket"}.get(status, code)
        remedy = _REMEDIES.get(named, "correct url, region or the AWS credentials of this machine")
        return Outcome(kind="halt", reason=f"S3 answers {said} for bucket {bucket}", remedy=remedy)
    why = f"S3 answers {said}"
    return Outcome(kind="retry", reason=why, remedy="check region and s3_endpoint; then run it again")


def s3_client(
    name: str,
    *,
    region: str | None = None,
    endpoint: str | None = None,
    role: str | None = None,
    external_id: str | None = None,
) -> Any:
    """A client of boto3, with the credentials of `role` where one is given; they renew themselves.

    Raises Halted where boto3 is not installed or no client can be made.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError:
        raise Halted(
            f"destination {name} needs the AWS libraries, which are not installed",
            remedy="run: make install EXTRAS=aws",
        ) from None
    config = Config(
        retries={"mode": "standard", "max_attempts": 1},
        connect_timeout=10,
        read_timeout=60,
        s3={"addressing_style": "path"} if endpoint else {},
    )
    try:
        session = boto3.Session(region_name=region)
        if role:
            session = _as_role(session, name, role, external_id)
        return session.client("s3", endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as problem:
        raise Halted(
            f"no S3 client could be made for destination {name} ({type(problem).__name__})",
            remedy="check region, role_arn and the AWS settings of this machine",
        ) from None


def _as_role(session: Any, name: str, role: str, external_id: str | None) -> Any:
    """A session whose credentials are the role's, taken when they are needed and renewed before they end."""
    import boto3  # noqa: PLC0415
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    inner: Any = get_session()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session._session.create_client,
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={
            "RoleSessionName": f"ledgerline-{name}"[:64],
            **({"ExternalId": external_id} if external_id else {}),
        },
    )
    inner._credentials = DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return boto3.Session(botocore_session=inner, region_name=session.region_name)
