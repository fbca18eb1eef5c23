"""RFC 3161 timestamps: a third party's signature that some bytes existed at a time.

Promise: an answer is kept only after it was found to be about these bytes, to carry our nonce, and (where some are
set) to lead to one of the certificates. No clock of ours is involved. The library is the extra `timestamps`.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509

from warehouse.archive.errors import TimestampsMissing

_SECONDS = 30
_LARGEST = 1 << 20  # an answer with a chain of certificates has some thousand bytes
_CERTIFICATES = 0xA0  # [0] in SignedData
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


class TimestampUnusable(ValueError):
    """An answer that is no timestamp, is about something else, or leads to no certificate that is trusted."""


def read_roots(path: Path | None) -> list[x509.Certificate]:
    """The certificates of a PEM file; none without a path. Raises TimestampsMissing."""
    if path is None:
        return []
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TimestampsMissing(
            f"archive.timestamp_certificates, {path}, holds no certificates ({error}); put the PEM file of the "
            f"timestamp authority there"
        ) from error


def ask(url: str, data: bytes, roots: list[x509.Certificate]) -> bytes:
    """A timestamp over `data` from the authority at `url`: the answer as it was sent, checked.

    Without `roots` nobody checks whose signature it is. Raises TimestampUnusable with what the authority said
    instead, and TimestampsMissing.
    """
    import httpx  # noqa: PLC0415 - only where an authority is asked

    library = _library()
    request = library.TimestampRequestBuilder(data, library.HashAlgorithm.SHA256).build()
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
            headers = {"content-type": _QUERY, "accept": _REPLY, "accept-encoding": "identity"}
            with client.stream("POST", url, content=request.as_bytes(), headers=headers) as reply:
                said = _bounded(reply.iter_raw())
    except httpx.HTTPError as error:
        raise TimestampUnusable(f"{url} did not answer ({type(error).__name__}: {error})") from error
    if reply.status_code != 200 or len(said) > _LARGEST:
        size = f"more than {_LARGEST}" if len(said) > _LARGEST else str(len(said))
        raise TimestampUnusable(f"{url} answered with HTTP {reply.status_code} and {size} bytes")
    answer = _decoded(library, said)
    if answer.tst_info.nonce != request.nonce:
        raise TimestampUnusable(f"{url} answered another question: the nonce is not ours")
    _check(library, answer, data, roots)
    return said


def _bounded(pieces: Iterator[bytes]) -> bytes:
    """What is sent, as it is sent, little more than the largest answer: many authorities speak plain http."""
    said = b""
    for piece in pieces:
        said += piece
        if len(said) > _LARGEST:
            break
    return said


def check(answer: bytes, data: bytes, roots: list[x509.Certificate]) -> datetime:
    """When the authority saw `data`, from an answer as it was kept. Raises TimestampUnusable, TimestampsMissing.

    The certificates had to be valid at that time, not today. `roots` may not be empty.
    """
    library = _library()
    return _check(library, _decoded(library, answer), data, roots)


def demand(certificates: Path | None) -> int:
    """How many certificates timestamps are checked with. Raises TimestampsMissing where something is not there."""
    _library()
    return len(read_roots(certificates))


def reader(certificates: Path | None) -> Callable[[bytes, bytes], datetime] | str:
    """`check` with the certificates of a PEM file; or a text that says why timestamps cannot be checked."""
    if certificates is None:
        return "archive.timestamp_certificates names no certificates"
    try:
        _library()
        roots = read_roots(certificates)
    except TimestampsMissing as error:
        return str(error)
    return lambda answer, data: check(answer, data, roots)


def _check(library: Any, answer: Any, data: bytes, roots: list[x509.Certificate]) -> datetime:
    at: datetime = answer.tst_info.gen_time
    imprint = answer.tst_info.message_imprint.message
    if imprint not in (hashlib.sha256(data).digest(), hashlib.sha512(data).digest()):
        raise TimestampUnusable("the timestamp is about other bytes")
    if roots:
        try:
            library.VerifierBuilder(roots=list(dict.fromkeys(roots))).build().verify_message(answer, data)
        except (library.VerificationError, ValueError) as error:
            raise TimestampUnusable(f"the timestamp does not verify: {error}") from error
    return at


def _decoded(library: Any, answer: bytes) -> Any:
    try:
        decoded = library.decode_timestamp_response(_in_order(answer))
        if decoded.status not in (0, 1):  # granted, granted with modifications
            raise TimestampUnusable(f"the authority refused: status {decoded.status}, {decoded.status_string}")
        _ = decoded.tst_info.gen_time
    except TimestampUnusable:
        raise
    except Exception as error:  # the library is written in another language and lists no errors
        raise TimestampUnusable(f"this is no timestamp ({error})") from error
    return decoded


def _in_order(answer: bytes) -> bytes:
    """The answer with its certificates in DER's order, which the library insists on and which many authorities do
    not keep (openssl's among them). No signature is over it. What cannot be walked through comes back as it is."""
    try:
        response = _parts(answer, 0, len(answer))[0]
        token = _parts(answer, response.content, response.end)[1]
        wrapped = _parts(answer, token.content, token.end)[1]
        signed = _parts(answer, wrapped.content, wrapped.end)[0]
        bag = next(part for part in _parts(answer, signed.content, signed.end) if part.tag == _CERTIFICATES)
        certificates = sorted(answer[part.start : part.end] for part in _parts(answer, bag.content, bag.end))
    except (IndexError, StopIteration):
        return answer
    return answer[: bag.content] + b"".join(certificates) + answer[bag.end :]


class _Part(NamedTuple):
    """One value of DER: where it, what it holds, and what follows it begin."""

    tag: int
    start: int
    content: int
    end: int


def _parts(data: bytes, start: int, end: int) -> list[_Part]:
    """The values in a row between two places. Raises IndexError where they do not end there."""
    parts = []
    while start < end:
        length, content = data[start + 1], start + 2
        if length & 0x80:
            content += length & 0x7F
            length = int.from_bytes(data[start + 2 : content], "big")
        if content + length > end:
            raise IndexError
        parts.append(_Part(data[start], start, content, content + length))
        start = content + length
    return parts


def _library() -> Any:
    try:
        import rfc3161_client  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise TimestampsMissing("timestamps need another library: make install EXTRAS=timestamps") from error
    return rfc3161_client
