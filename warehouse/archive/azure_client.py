"""The SDK's client for a container, made from settings: account or endpoint, and where the credential comes from.

Promise: without a reference the SDK's own chain is used (environment, workload and managed identity, `az login`);
a credential never gets into a message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azure.storage.blob import ContainerClient

from warehouse.archive.address import check_endpoint
from warehouse.archive.errors import StoreError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# The wire form that this was written and tested against; a newer SDK would ask for the newest one.
API_VERSION = "2023-11-03"


def container_client(
    container: str,
    *,
    account: str = "",
    endpoint: str = "",
    credential: Callable[[], str] | None = None,
    **options: Any,
) -> ContainerClient:
    """A client for one container, safe to share between threads.

    `endpoint` is the URL of the account's blob service where it is not https://ACCOUNT.blob.core.windows.net.
    `credential` gives the account's key or a SAS token. `options` go to the SDK. Raises StoreError.
    """
    if not account and not endpoint:
        raise StoreError(
            "An archive on az:// needs the storage account: set [archive] azure_account to its name, or "
            "azure_endpoint to the URL of its blob service."
        )
    check_endpoint(endpoint, "azure_endpoint")
    url = endpoint or f"https://{account}.blob.core.windows.net"
    secret: Any = _credential(credential, account or _account_in(url))
    options = {"retry_total": 4, "connection_timeout": 10, "read_timeout": 60, **options}
    try:
        return ContainerClient(url, container, credential=secret, api_version=API_VERSION, **options)
    except ValueError as error:
        raise StoreError(
            f"No client could be made for the container {container!r}: check [archive] url, azure_account, "
            "azure_endpoint and azure_credential."
        ) from error


def _credential(reference: Callable[[], str] | None, account: str) -> Any:
    if reference is None:
        return _chain()
    text = reference()
    if "sig=" in text:
        from azure.core.credentials import AzureSasCredential  # noqa: PLC0415

        return AzureSasCredential(text.lstrip("?"))
    return {"account_name": account, "account_key": text}


def _chain() -> TokenCredential:
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and not always needed
    except ModuleNotFoundError as error:
        raise StoreError(
            "An archive on Azure without azure_credential needs azure-identity. Install it with "
            "`make install EXTRAS=azure`."
        ) from error
    chain: TokenCredential = DefaultAzureCredential()
    return chain


def _account_in(url: str) -> str:
    """The account's name: the last part of an emulator's path, else the first part of the host."""
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return path.strip("/").partition("/")[0] or host.partition(".")[0]
