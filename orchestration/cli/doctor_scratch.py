"""What `ledgerline doctor` says of the folder in which commands put rows that are too many for memory."""

import os
import shutil
import tempfile
from pathlib import Path

from orchestration.cli.doctor_check import Check
from orchestration.cli.output import size


def scratch_check() -> Check:
    """Where they go and how much room is there; failed where TMPDIR names a place that cannot be used: Python
    passes over such a one in silence, and a disk that was not meant for it would fill."""
    wanted = os.environ.get("TMPDIR")
    make = "make that folder, let this user write to it, or set TMPDIR to another"
    try:
        place = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        return Check("scratch", "TMPDIR", "failed", str(error), make)
    if wanted and Path(wanted).absolute() != place:
        what = f"no folder that this user can write: {place} is taken in its place"
        return Check("scratch", f"TMPDIR={wanted}", "failed", what, make)
    free = size(shutil.disk_usage(place).free)
    return Check("scratch", str(place), "ok", f"{free} free for rows that are too many for memory")
