"""A git repository as a place for copies: one commit for each time, pushed with this machine's own git.

Promise: history is only ever added to (no force), what others pushed meanwhile stays, and git never waits for a
human: no prompt, and an end to every command. Credentials are git's own business; none is read or shown here.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from warehouse.archive.copies import Outcome
from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError, StoreUnreachable

_SECONDS = 120
_TRIES = 4  # somebody else may push between our fetch and our push
_OURS = ("-c", "user.name=Ledgerline", "-c", "user.email=ledgerline@localhost")
_ELSEWHERE = re.compile(r"[a-z+]+://|[\w.-]+@[\w.-]+:")  # a URL, or ssh's own form
_REFUSED = ("denied", "authentication", "could not read username", "permission", "not allowed")


class GitPlace:
    """A repository, by its address, with a clone of our own to work in. Not for use by two threads."""

    def __init__(self, address: str, clones: Path) -> None:
        """`address`: what `git push` takes, and `#branch` if not the repository's own. Raises StoreError."""
        self.repository, _, branch = address.partition("#")
        self.url = f"git:{address}"
        if not self.repository or self.repository.startswith("-") or "::" in self.repository:
            raise StoreError(f"{self.url} is not the address of a git repository")
        if not _ELSEWHERE.match(self.repository):  # a folder, as this process sees it; git works in the clone
            self.repository = str(Path(self.repository).expanduser().absolute())
        self._clone = clones / hashlib.sha256(address.encode()).hexdigest()[:16]
        self._branch = branch
        self._fetched = False

    def names(self, prefix: str) -> list[str]:
        self._fetch()
        listed = self._git("ls-files", "-z", "--", prefix) if prefix else self._git("ls-files", "-z")
        return sorted(name for name in listed.split("\0") if name.startswith(prefix) and name)

    def get(self, name: str) -> bytes:
        self._fetch()
        path = self._clone / name
        if not path.is_file():
            raise KeyMissing(f"{self.url} has no file {name}")
        return path.read_bytes()

    def add(self, files: Mapping[str, bytes]) -> dict[str, Outcome]:
        for attempt in range(_TRIES):
            self._fetch(again=attempt > 0)
            outcomes = {name: self._outcome(name, data) for name, data in files.items()}
            new = [name for name, outcome in outcomes.items() if outcome == "written"]
            if not new:
                return outcomes
            for name in new:
                (self._clone / name).parent.mkdir(parents=True, exist_ok=True)
                (self._clone / name).write_bytes(files[name])
            self._git("add", "--force", "--", *new)
            self._git(*self._identity(), "commit", "--quiet", "--no-verify", "--message", f"Add {new[-1]}")
            pushed = self._run("push", "--quiet", "--", self.repository, f"HEAD:refs/heads/{self._branch}")
            if pushed.returncode == 0:
                return outcomes
            if not any(word in pushed.stderr for word in ("fetch first", "non-fast-forward", "cannot lock ref")):
                raise self._failure("push", pushed.stderr)
        raise StoreUnreachable(f"{self.url}: others pushed {_TRIES} times in a row before us; run it again")

    def _outcome(self, name: str, data: bytes) -> Outcome:
        path = self._clone / name
        if not path.is_file():
            return "written"
        return "there" if path.read_bytes() == data else "differs"

    def _fetch(self, *, again: bool = False) -> None:
        """Bring the clone to what the repository has; whatever a killed run left in it is dropped."""
        if self._fetched and not again:
            return
        whole = self._clone / ".git" / "ledgerline-whole"
        if not whole.is_file():
            shutil.rmtree(self._clone, ignore_errors=True)  # of a run that was killed while it cloned
            self._clone.mkdir(parents=True, exist_ok=True)
            self._git("clone", "--quiet", "--no-checkout", "--no-tags", "--", self.repository, ".")
            # an empty repository tells its branch to who clones it, and to nobody else
            self._git("config", "ledgerline.branch", self._git("symbolic-ref", "--short", "HEAD").strip())
            whole.touch()
        heads = self._git("ls-remote", "--symref", "--", self.repository)
        if not self._branch:
            symbolic = [line.split()[1] for line in heads.splitlines() if line.startswith("ref: ")]
            known = symbolic[0].removeprefix("refs/heads/") if symbolic else ""
            self._branch = known or self._git("config", "--get", "ledgerline.branch").strip()
        if any(line.endswith(f"\trefs/heads/{self._branch}") for line in heads.splitlines()):
            self._git("fetch", "--quiet", "--no-tags", "--", self.repository, f"refs/heads/{self._branch}")
            self._git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
            self._git("clean", "--quiet", "--force", "-d", "-x")
        self._fetched = True

    def _identity(self) -> tuple[str, ...]:
        """Git's own identity where this machine has set one; else ours."""
        return () if self._run("config", "--get", "user.email").returncode == 0 else _OURS

    def _git(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise self._failure(arguments[0], done.stderr)
        return done.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **os.environ}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # of a hook that we may be run from
            environment.pop(name, None)
        try:
            return subprocess.run(  # noqa: S603 - no shell, and no argument is an option of somebody else's
                ["git", "-C", str(self._clone), "-c", "core.autocrlf=false", *arguments],  # noqa: S607
                env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=_SECONDS, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise StoreError(f"{self.url} needs git on this machine, which is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise StoreUnreachable(f"{self.url}: git did not come back within {_SECONDS} s") from error

    def _failure(self, what: str, said: str) -> StoreError:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith(("fatal:", "error:", "ERROR", "remote:"))), "")
        kind = StoreDenied if any(word in said.lower() for word in _REFUSED) else StoreUnreachable
        return kind(f"{self.url}: git {what} failed ({(reason or (lines or ['no reason given'])[-1])[:300]})")
