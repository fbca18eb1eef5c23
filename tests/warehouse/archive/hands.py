"""The hands of somebody who owns the storage: what they can do to a folder, and to a bucket over HTTP.

Both leave things as careful forgers would: read-only files, and no second version where the first can be removed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from warehouse.archive.store import Store


class Hands(Protocol):
    """Whoever holds them needs no store and no key."""

    store: Store

    def read(self, key: str) -> bytes: ...

    def write(self, key: str, data: bytes) -> None:
        """Put other bytes in the place of what is there, or new ones where nothing is."""

    def remove(self, key: str) -> None: ...

    def names(self, prefix: str = "") -> list[str]: ...


def move(hands: Hands, key: str, to: str) -> None:
    data = hands.read(key)
    hands.remove(key)
    hands.write(to, data)


def swap(hands: Hands, one: str, two: str) -> None:
    first, second = hands.read(one), hands.read(two)
    hands.write(one, second)
    hands.write(two, first)


@dataclass
class FolderHands:
    store: Store
    root: Path

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(data)
        path.chmod(0o444)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()

    def names(self, prefix: str = "") -> list[str]:
        return [info.key for info in self.store.list(prefix)]


@dataclass
class BucketHands:
    """In a bucket whose lock the owner may lift (GOVERNANCE)."""

    store: Store
    client: Any
    bucket: str
    prefix: str

    def at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.prefix}/{key}"}

    def read(self, key: str) -> bytes:
        data: bytes = self.client.get_object(**self.at(key))["Body"].read()
        return data

    def write(self, key: str, data: bytes) -> None:
        if self.store.head(key) is not None:
            self.remove(key)
        self.write_over(key, data)

    def write_over(self, key: str, data: bytes) -> None:
        """As anybody with the right to put may: the version before is kept."""
        self.client.put_object(**self.at(key), Body=data)

    def remove(self, key: str) -> None:
        found = self.client.head_object(**self.at(key))
        self.client.delete_object(**self.at(key), VersionId=found["VersionId"], BypassGovernanceRetention=True)

    def hide(self, key: str) -> None:
        """As anybody with the right to delete may: a marker, and the version is kept."""
        self.client.delete_object(**self.at(key))

    def names(self, prefix: str = "") -> list[str]:
        return [info.key for info in self.store.list(prefix)]
