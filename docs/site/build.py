"""Builds the documentation site: `python -m docs.site.build build` (`make docs`).

Promise: strict, so a broken link or anchor ends it with exit code 1; what it writes fetches nothing from elsewhere
and opens from its files.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from docs.site.stage import ROOT, stage

# Material asks for this script where a page is opened from a file: browsers start no worker there.
_SHIM = re.compile(r"""src=["']?https://unpkg\.com/iframe-worker/shim["']?""")
_WORKER = "docs/site/worker.js"


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Lay the pages out in `folder`/docs and build them into `folder`/site; what mkdocs said is in the result."""
    stage(folder / "docs")
    return render(folder)


def render(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build what lies in `folder`/docs."""
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("build/", "")
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    for page in (folder / "site").rglob("*.html") if done.returncode == 0 else ():
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(folder / "site").parts) - 1)
        page.write_text(_SHIM.sub(f'src="{up}{_WORKER}"', text), encoding="utf-8")
    return done


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.site.build FOLDER")
    target = Path(sys.argv[1]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    ended = build(target)
    if ended.returncode:
        sys.exit(
            ended.stderr + "\nThe pages have mistakes; the paths above are those below " + str(target / "docs")
        )
    print(f"open {os.path.relpath(target)}/site/index.html")
