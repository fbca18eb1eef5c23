"""References to secrets, and how each kind is followed.

A secret itself never stands in the file: `env:NAME`, `file:PATH` and `aws-secretsmanager:ID` do.
Promise: no text form of a reference, and no error made here, holds the secret.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from warehouse.config.errors import SecretUnavailable

RIGHT = 'a reference: "env:NAME", "file:PATH" or "aws-secretsmanager:ID"'

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AWS_ID = re.compile(r"[A-Za-z0-9/_+=.@:!-]{1,2048}(?:#[^#]+)?")
_KINDS = ("env", "file", "aws-secretsmanager")
# Shapes that credentials have: a known beginning, or a long run of letters and digits without a word break.
_KEY = r"(?i:\b(?:sk[-_](?:ant|live|test)|xox[a-z]-|AKIA[0-9A-Z]{12}|eyJ[\w-]{10}|gh[a-z]_))"
_KEY_SHAPE = re.compile(_KEY)
_SECRET_SHAPE = re.compile(_KEY + r"|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{24,}")


def looks_secret(text: str) -> bool:
    """Whether a text has the shape of a credential, so that no message should repeat it."""
    return _SECRET_SHAPE.search(text) is not None


def looks_like_key(text: str) -> bool:
    """Whether a text begins anywhere as known credentials do; long names of folders do not."""
    return _KEY_SHAPE.search(text) is not None


class SecretRef:
    """A validated reference to a secret. Shows as its reference; gives the secret only to `reveal()`."""

    __slots__ = ("_base", "_env", "kind", "reference", "target")

    def __init__(self, reference: str, *, base: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        """`base` is the folder that a relative `file:` path is relative to; `env` replaces `os.environ`.

        Raises ValueError, without the text, when `reference` is not a reference.
        """
        kind, _, target = reference.partition(":")
        self.kind, self.target = kind, target.strip()
        _check(self.kind, self.target)
        self.reference = f"{kind}:{self.target}"
        self._base, self._env = base, env

    @property
    def path(self) -> Path | None:
        """The absolute path of a `file:` reference; None for the other kinds."""
        if self.kind != "file":
            return None
        return ((self._base or Path.cwd()) / Path(self.target).expanduser()).absolute()

    def reveal(self) -> str:
        """The secret as text, without surrounding white space. Read anew at each call, so a rotated secret
        is found.

        Raises SecretUnavailable when it is missing, empty, not UTF-8, or is not one line (a PEM block may
        have several): a key with a line break in it would end up in an HTTP library's error text.
        """
        try:
            text = self.reveal_bytes().decode("utf-8").strip()
        except UnicodeDecodeError:
            raise self._unavailable("is not UTF-8 text", "store the secret as plain text") from None
        if not text:
            raise self._unavailable("is empty", self._where_to_put_it())
        if not text.startswith("-----BEGIN ") and not (text.isprintable() and text.isascii()):
            odd = "a line break or a control character" if text.isascii() else "a letter outside ASCII"
            raise self._unavailable(
                f"holds {odd}",
                "store the secret alone, on one line, as it was issued",
            )
        return text

    def reveal_bytes(self) -> bytes:
        """The secret's exact bytes (a key file, say). Raises SecretUnavailable."""
        if self.kind == "env":
            return self._from_environment()
        if self.kind == "file":
            return self._from_file()
        return self._from_secrets_manager()

    def _from_environment(self) -> bytes:
        value = (os.environ if self._env is None else self._env).get(self.target)
        if not value:
            state = "is not set" if value is None else "is empty"
            raise self._unavailable(state, self._where_to_put_it())
        return value.encode("utf-8", "surrogateescape")

    def _from_file(self) -> bytes:
        assert self.path is not None
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self._unavailable(
                f"cannot be read ({error.strerror or type(error).__name__})", self._where_to_put_it()
            ) from error

    def _from_secrets_manager(self) -> bytes:
        try:
            import boto3  # noqa: PLC0415  (an extra; only this kind needs it)
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except ImportError as error:
            raise self._unavailable(
                "needs the AWS libraries, which are not installed", "run: make install EXTRAS=aws"
            ) from error
        identifier, _, field = self.target.partition("#")
        try:
            answer = boto3.client("secretsmanager").get_secret_value(SecretId=identifier)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown error")
            raise self._unavailable(f"was refused by AWS ({code})", self._where_to_put_it()) from error
        except BotoCoreError as error:
            raise self._unavailable(
                f"could not be fetched from AWS ({type(error).__name__})",
                "check the AWS region, credentials and network of this machine",
            ) from error
        value = answer.get("SecretString")
        data: bytes = value.encode() if value is not None else answer["SecretBinary"]
        return self._field(data, field) if field else data

    def _field(self, data: bytes, field: str) -> bytes:
        try:
            value = json.loads(data)[field]
        except (ValueError, KeyError, TypeError):
            value = None
        if not isinstance(value, str):
            raise self._unavailable(
                f"is not a JSON object with a text field {field!r}",
                "store it so, or leave out the part after '#' to use the whole secret",
            ) from None
        return value.encode()

    def _unavailable(self, state: str, remedy: str) -> SecretUnavailable:
        what = {
            "env": f"the environment variable {self.target}",
            "file": f"the file {self.path}",
            "aws-secretsmanager": f"the AWS secret {self.target}",
        }[self.kind]
        return SecretUnavailable(
            self.reference,
            f'{what}, named in the configuration as "{self.reference}", {state}',
            remedy=remedy,
        )

    def _where_to_put_it(self) -> str:
        return {
            "env": f"set {self.target} in the environment of this process, or name another place",
            "file": "put the secret there, readable by this user, or name another place",
            "aws-secretsmanager": "check its name, its region, and secretsmanager:GetSecretValue for this role",
        }[self.kind]

    def __repr__(self) -> str:
        return f"SecretRef({self.reference!r})"

    def __str__(self) -> str:
        return self.reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and (self.reference, self.path) == (other.reference, other.path)

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lets a settings field be a SecretRef; the validation context gives `folder` and `env`."""

        def validate(value: Any, info: core_schema.ValidationInfo) -> SecretRef:
            if isinstance(value, SecretRef):
                value = value.reference  # a default of a field: bound here to the folder and the environment
            if not isinstance(value, str):
                raise ValueError("is not a text")
            context = info.context or {}
            return cls(value, base=context.get("folder"), env=context.get("env"))

        return core_schema.with_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def _check(kind: str, target: str) -> None:
    """Refuse what is no reference. The text may be the secret itself, so it is never repeated."""
    if kind not in _KINDS:
        raise ValueError(
            "is not a reference to a secret (its text is not shown); "
            "if it is the secret itself, take it out of the file and have a new one issued"
        )
    if not target:
        raise ValueError(f'names nothing after "{kind}:"')
    if kind == "env" and (not _NAME.fullmatch(target) or looks_secret(target)):
        raise ValueError('does not name an environment variable after "env:" (its text is not shown here)')
    if kind == "file" and (not target.isprintable() or "\0" in target):
        raise ValueError('does not name a file after "file:"')
    if kind == "aws-secretsmanager" and not _AWS_ID.fullmatch(target):
        raise ValueError('does not name a secret by name or ARN after "aws-secretsmanager:"')
