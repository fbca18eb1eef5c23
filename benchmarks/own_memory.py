"""The peak memory of this process as the kernel counted it since the program began (not since the fork)."""

from pathlib import Path


def peak_mb() -> float:
    """VmHWM in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM; peak memory is measured on Linux only")
