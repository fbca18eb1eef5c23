"""The kinds of value that settings are made of: URLs, paths, names, each refusing what cannot work.

Validators raise ValueError with a phrase that follows "<key>: "; none repeats text that could be a secret.
"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from warehouse.config.errors import SecretUnavailable
from warehouse.config.secrets import SecretRef, looks_like_key, looks_secret
from warehouse.wire.hosts import is_loopback

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_CREDENTIAL = re.compile(r"(?i)auth|token|key|secret|cookie|password|signature")
_WITNESS, _LOG = 4, 1  # the kinds of a key that cosigns, and of one that signs a log
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Section(BaseModel):
    """A table of the file: immutable, strict about types, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _absent_tables_are_empty(cls, data: Any) -> Any:
        """A table that is not in the file is validated like an empty one, so that its defaults meet the same
        context (the folder, the environment) as written values do.
        """
        if not isinstance(data, dict):
            return data
        tables: dict[str, Any] = {
            name: {}
            for name, field in cls.model_fields.items()
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        }
        return {**tables, **data}


def shown(value: object) -> str:
    """A value as an error may show it: short, on one line, and never with the shape of a secret."""
    if isinstance(value, str):
        hidden = looks_secret(value) or len(value) > 60
        return "the given text" if hidden else '"' + value.encode("unicode_escape").decode() + '"'
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return str(value).lower() if isinstance(value, bool) else str(value)[:40]


def is_possible(host: str) -> bool:
    """Whether a host can be asked for at all: a name whose steps have 1 to 63 letters (RFC 1035 2.3.4), or an
    address. One that cannot makes the resolver fail on its form, before it is looked up.
    """
    try:
        return host.isprintable() and " " not in host and bool(host.encode("idna"))
    except UnicodeError:
        return False


def check_url(text: str) -> str:
    """An https URL (http only to this machine) without credentials in it; a slash at the end is dropped."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    _refuse_inner_secrets(text, parts)
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{shown(text)} is not an https URL")
    if not is_possible(host):
        raise ValueError(f"{shown(text)} names a host that cannot exist")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http to another machine, where anyone on the way reads keys and events")
    return text.rstrip("/")


def _origin(text: str) -> str:
    """A URL that ends with host and port: the paths of the API are added to it."""
    if urlsplit(check_url(text)).path not in ("", "/"):
        raise ValueError("has a path after the host; the API's own paths (/v1/...) are added to it")
    return check_url(text)


def _refuse_inner_secrets(text: str, parts: SplitResult) -> None:
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a user name or password in the URL (its text is not shown here)")
    if parts.query or parts.fragment:
        raise ValueError("has a query or fragment, which cannot stand in this URL")
    if not text.isprintable() or " " in text:
        raise ValueError("holds a space or a control character")


def _url_or_secret(value: Any, info: ValidationInfo) -> str | SecretRef:
    """A URL with a token in its path is a secret, and is then given by reference."""
    if not isinstance(value, str):
        raise ValueError("is not a text")
    if value.startswith(("https:", "http:")):
        return check_url(value)
    context = info.context or {}
    return SecretRef(value, base=context.get("folder"), env=context.get("env"))


def url_of(value: str | SecretRef) -> str:
    """The URL itself, where a setting is one or a reference to one. Raises SecretUnavailable."""
    if isinstance(value, str):
        return value
    url = value.reveal()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        safe = is_possible(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
    except ValueError:
        safe = False
    if not safe:
        raise SecretUnavailable(
            value.reference,
            f'"{value}" does not hold an https URL (its text is not shown here)',
            remedy="store the whole URL as the receiver issued it",
        )
    return url


def _headers(value: Any, info: ValidationInfo) -> dict[str, str | SecretRef]:
    """Header names with references; plain text only where neither name nor text speaks of a credential."""
    if not isinstance(value, dict):
        raise ValueError("is not a table")
    context = info.context or {}
    headers: dict[str, str | SecretRef] = {}
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise ValueError(f"{shown(name)} is not the name of a header")
        if not isinstance(text, str):
            raise ValueError(f"the value of {name} is not a text")
        if text.startswith(("env:", "file:", "aws-secretsmanager:")):
            headers[name] = SecretRef(text, base=context.get("folder"), env=context.get("env"))
        elif _CREDENTIAL.search(name) or looks_secret(text):
            raise ValueError(f"the value of {name} is not a reference to a secret (its text is not shown here)")
        else:
            headers[name] = _text(text)
    return headers


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    if not value.isprintable():
        raise ValueError("holds a line break or a control character")
    return value


def _public_text(value: str) -> str:
    if looks_secret(_text(value)):
        raise ValueError("looks like a secret, which does not belong in this file (its text is not shown here)")
    return value


def _path(value: Any, info: ValidationInfo) -> Path:
    """A path relative to the folder of the configuration file, made absolute."""
    if isinstance(value, Path):
        value = str(value)  # a default of a field
    if not isinstance(value, str):
        raise ValueError("is not a text")
    folder = (info.context or {}).get("folder") or Path.cwd()
    return (folder / Path(_text(value)).expanduser()).absolute()


def _path_or_none(value: Any, info: ValidationInfo) -> Path | None:
    return None if value is None or value == "" else _path(value, info)


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


def _bucket_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        kind = "container" if scheme == "az" else "bucket"
        raise ValueError(
            f"{shown(text)} does not name a {kind} that could exist after {scheme}://: it has 3 to 63 lower-case "
            f"letters, digits, dots and hyphens"
        )
    parts = prefix.rstrip("/").split("/") if prefix.rstrip("/") else []
    if any(part in ("", ".", "..") or not part.isprintable() or part != part.strip() for part in parts):
        raise ValueError(f"{shown(text)} has a prefix with an empty, '.' or '..' step or a stray blank")
    return "/".join([f"{scheme}://{bucket}", *parts])


def _archive_url(text: str, info: ValidationInfo) -> str:
    if looks_like_key(text) or (not text.startswith("file:") and looks_secret(text)):
        raise ValueError("looks like it holds a secret, which does not belong here (its text is not shown here)")
    scheme = text.partition(":")[0]
    if scheme == "file":
        place = text.removeprefix("file:")
        if place.startswith("//"):
            place = "/" + place.lstrip("/") if place.startswith("///") else ""
        if not place or not place.isprintable():
            raise ValueError(f"{shown(text)} does not name a folder after file:")
        return f"file:{_path(place, info)}"
    if text.startswith(("s3://", "az://", "gs://")):
        return _bucket_url(text)
    raise ValueError(f"{shown(text)} is not the address of an archive")


def _s3_url(text: str) -> str:
    if not text.startswith("s3://"):
        raise ValueError(f"{shown(text)} is not an s3:// address")
    return _bucket_url(text)


def _source(value: str, info: ValidationInfo) -> str:
    """Where telemetry files lie: a bucket, or a folder relative to the configuration file."""
    if value.startswith("s3://"):
        return _bucket_url(value)
    if "://" in value:
        raise ValueError(f"{shown(value)} is neither a folder nor an s3:// address")
    return str(_path(value, info))


def _attribute(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", value):
        raise ValueError(f"{shown(value)} is not the name of an attribute")
    return value


def _organization(value: str) -> str:
    """As the vendor's header has it: a UUID."""
    if not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value.lower()):
        raise ValueError(f"{shown(value)} is not the UUID of an organisation")
    return value.lower()


def _copy_address(text: str, info: ValidationInfo) -> str:
    """Where copies of checkpoints go: a store, or a git repository (`git:` and what git takes, `#branch`)."""
    if not text.startswith("git:"):
        return _archive_url(text, info)
    repository, _, branch = text.removeprefix("git:").partition("#")
    parts = urlsplit(repository) if "://" in repository else None
    if parts is not None and (parts.password is not None or parts.query):
        raise ValueError("has a password or query in the URL (its text is not shown here)")
    if not repository or not text.isprintable() or " " in text or repository.startswith("-") or "::" in repository:
        raise ValueError(f"{shown(text)} does not name a git repository after git:")
    if parts is not None and parts.scheme not in ("https", "ssh", "file"):
        raise ValueError(f"{shown(text)} is neither https nor ssh")
    if parts is None and not re.match(r"[\w.-]+@[\w.-]+:", repository):
        repository = str(_path(repository, info))
    return f"git:{repository}" + (f"#{branch}" if branch else "")


def _witness(text: str) -> str:
    return _public_key(text, _WITNESS, "a witness")


def _log_key(text: str) -> str:
    return _public_key(text, _LOG, "a log, as `ledgerline key show` prints it")


def _public_key(text: str, kind: int, whose: str) -> str:
    """C2SP: name, digest and key joined by `+`; the key begins with its kind, the digest is over name and key."""
    found = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    blob = base64.b64decode(found[3]) if found else b""
    if (
        found is None
        or blob[0] != kind
        or hashlib.sha256(f"{found[1]}\n".encode() + blob).hexdigest()[:8] != found[2]
    ):
        raise ValueError(f"is not the public key of {whose}")
    return text


def _authority(text: str) -> str:
    """An address of a timestamp authority. Most speak plain http: what they answer is signed."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    _refuse_inner_secrets(text, parts)
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{shown(text)} is not an http or https URL")
    return text


def _label(text: str) -> str:
    """A name that becomes part of object keys and of commands."""
    if not _LABEL.fullmatch(text):
        raise ValueError(f"{shown(text)} cannot be a name")
    return text


Url = Annotated[str, AfterValidator(check_url)]
Origin = Annotated[str, AfterValidator(_origin)]
OptionalUrl = Annotated[Url | None, BeforeValidator(_blank_is_none)]
UrlOrSecret = Annotated[str | SecretRef, PlainValidator(_url_or_secret)]
Headers = Annotated[dict[str, str | SecretRef], PlainValidator(_headers)]
Text = Annotated[str, AfterValidator(_text)]
PublicText = Annotated[str, AfterValidator(_public_text)]
OptionalSecret = Annotated[SecretRef | None, BeforeValidator(_blank_is_none)]
OptionalText = Annotated[PublicText | None, BeforeValidator(_blank_is_none)]
FilePath = Annotated[Path, BeforeValidator(_path)]
OptionalPath = Annotated[Path | None, PlainValidator(_path_or_none)]
ArchiveUrl = Annotated[str, AfterValidator(_archive_url)]
CopyAddress = Annotated[str, AfterValidator(_copy_address)]
WitnessKeyText = Annotated[str, AfterValidator(_witness)]
OptionalLogKey = Annotated[Annotated[str, AfterValidator(_log_key)] | None, BeforeValidator(_blank_is_none)]
OptionalAuthority = Annotated[Annotated[str, AfterValidator(_authority)] | None, BeforeValidator(_blank_is_none)]
SourcePath = Annotated[str, AfterValidator(_source)]
OrganizationId = Annotated[str, AfterValidator(_organization)]
AttributeName = Annotated[str, AfterValidator(_attribute)]
S3Url = Annotated[str, AfterValidator(_s3_url)]
Label = Annotated[str, AfterValidator(_label)]
