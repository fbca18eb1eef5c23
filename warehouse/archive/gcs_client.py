"""The SDK's client for Google Cloud Storage, made from settings: endpoint, and where the credentials come from.

Promise: without a reference the SDK's own chain is used (application default credentials); a key never gets into
a message.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from warehouse.archive.address import check_endpoint
from warehouse.archive.errors import StoreDenied, StoreError

_SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"  # setting a retention needs it


def gcs_client(*, endpoint: str = "", credential: Callable[[], str] | None = None) -> Client:
    """A client, safe to share between threads. Raises StoreError's kinds.

    `endpoint` is for emulators and private endpoints; over plain HTTP nobody is signed in. `credential` gives a
    service account's key as JSON text.
    """
    check_endpoint(endpoint, "gcs_endpoint")
    options = {"api_endpoint": endpoint} if endpoint else None
    try:
        return Client(project="-", credentials=_credentials(endpoint, credential), client_options=options)
    except auth.GoogleAuthError as error:
        raise StoreDenied(
            f"gs: found no credentials ({type(error).__name__}). Sign in (`gcloud auth application-default "
            "login`, a service account, GOOGLE_APPLICATION_CREDENTIALS), or set [archive] gcs_credentials to a "
            "reference to a service account's JSON key."
        ) from error


def _credentials(endpoint: str, reference: Callable[[], str] | None) -> Any:
    if endpoint.startswith("http://"):
        return AnonymousCredentials()
    if reference is None:
        return None
    from google.oauth2.service_account import Credentials  # noqa: PLC0415 - only where a key is given

    try:
        return Credentials.from_service_account_info(json.loads(reference()), scopes=[_SCOPE])
    except (ValueError, KeyError):
        # from None: the text of the error may hold a part of the key
        raise StoreError(
            "[archive] gcs_credentials does not lead to a service account's key. It must be the JSON file as "
            "Google issued it (with `client_email` and `private_key`)."
        ) from None
