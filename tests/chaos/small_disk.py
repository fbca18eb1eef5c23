"""A file system that is nearly full and may be enlarged, for whoever may mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A tmpfs at `folder`."""

    folder: Path

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        told = os.statvfs(self.folder)
        return (told.f_blocks - told.f_bfree) * told.f_frsize

    def leave(self, room: int) -> None:
        """Make it so large that `room` bytes are free."""
        size = max(self.used + room + 4095, 8192) // 4096 * 4096  # a size of 0 would be no limit
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)


@contextmanager
def small_disk(folder: Path, size: str = "100m") -> Iterator[Disk]:
    """Mount a file system of that size at a folder; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "ledgerline-test", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.decode().strip()}")
    try:
        yield Disk(folder)
    finally:
        # lazily: a command that ran in this process may have left a file open, as dbt does its log
        subprocess.run(["umount", "--lazy", folder], check=True)
