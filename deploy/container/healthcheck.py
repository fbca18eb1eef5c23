"""Whether this container does what it is for: exit 0, or 1 with one line that says what does not answer.

Looks at what process 1 is: the code server answers gRPC, a webserver its own question, the daemon has beaten.
"""

import subprocess
import sys
import urllib.request
from pathlib import Path


def main() -> int:
    command = Path("/proc/1/cmdline").read_bytes().replace(b"\0", b" ").decode()
    if "code-server" in command:
        return _run("dagster", "api", "grpc-health-check", "-p", "4000")
    if "dagster-daemon" in command:
        return _run("dagster-daemon", "liveness-check")
    if "orchestration.ui_server" in command:
        with urllib.request.urlopen("http://127.0.0.1:3000/server_info", timeout=10) as answer:
            return 0 if answer.status == 200 else 1
    return 0  # a command that runs to its end


def _run(*command: str) -> int:
    return subprocess.run(command, check=False, timeout=14).returncode  # noqa: S603 - our own words


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"unhealthy: {error}")
        sys.exit(1)
