"""Draws what commands say on a terminal: `python -m docs.site.terminal_pictures data/demo/ledgerline.toml`.

Promise: words and colours are those of the command, run on a terminal of `_WIDTH` columns over the archive that
is named; only the folder's path is shortened. The files fetch no font.
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from docs.site.stage import ROOT

_WIDTH = 120
# Rich's own frame asks the network for its font; a reader's own fixed font does.
_FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" \
role="img" aria-label="COMMAND on a terminal">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
PICTURES = {
    "terminal-status.svg": ["status"],
    "terminal-verify.svg": ["verify"],
    "terminal-rule.svg": ["detections", "list", "compliance_key_used_by_a_stranger"],
}


def drawn(arguments: list[str], config: Path) -> str:
    """The SVG of one command over the archive of a configuration."""
    told = _on_a_terminal(
        [str(Path(sys.executable).with_name("ledgerline")), *arguments, "--config", os.fspath(config)]
    )
    shown = f"ledgerline {' '.join(arguments)}"
    text = told.replace(str(config.resolve().parent), "~/ledgerline").replace("\r\n", "\n")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=_WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(f"$ {shown}\n{text.rstrip()}\n"))
        return console.export_svg(
            title=shown, theme=MONOKAI, code_format=_FRAME.replace("COMMAND", shown), unique_id=arguments[0]
        )


def _on_a_terminal(command: list[str]) -> str:
    """All that a command writes to a terminal. The exit code does not matter: `status` has 1 for findings."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _WIDTH, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(_WIDTH)}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment):  # noqa: S603 - our own
        os.close(its)
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(ours)
    return b"".join(parts).decode()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.site.terminal_pictures CONFIG")
    for name, asked in PICTURES.items():
        (ROOT / "docs/images" / name).write_text(drawn(asked, Path(sys.argv[1])), encoding="utf-8")
        print(f"drew {name}")
