"""No secret of any destination in anything that delivery writes or says, also where a receiver repeats it.

Everything is looked through: archive, log, receipts, dead letters, caches, and what each command printed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.delivery.conftest import Command, Shop
from tests.delivery.everywhere import CLOUD, Everywhere, everywhere
from tests.promises.site import Ended
from tests.promises.test_11_no_secret_anywhere import everything_written, forms
from warehouse.config.destinations import TYPES

FEW = "type = 'claude_chat_created'"


@contextmanager
def echoing() -> Iterator[tuple[str, list[int]]]:
    """A receiver that takes nothing, and repeats path, headers and the beginning of the body; its address, and the
    status with which it answers."""
    status = [400]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            said = "; ".join(f"{name}: {value}" for name, value in self.headers.items() if name != "User-Agent")
            text = f"{said} {self.path} ".encode() + body[:4000]
            self.send_response(status[0])
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", status
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def world(shop: Shop) -> Iterator[Everywhere]:
    with everywhere(FEW) as world:
        shop.site.env = world.env
        yield world


def test_no_secret_of_any_destination_is_in_any_file_or_output(
    shop: Shop, world: Everywhere, ledgerline: Command
) -> None:
    path = shop.site.folder / "ledgerline.toml"
    bare = path.read_text()
    said: dict[str, Ended] = {}

    def run(*arguments: str, code: int | None) -> None:
        ended = ledgerline(shop.site, *arguments)
        said[" ".join(arguments) + f" {len(said)}"] = ended
        assert code is None or ended.code == code, ended.out + ended.err

    path.write_text(bare + world.toml())
    run("doctor", code=None)
    run("deliver", "--dry-run", code=0)
    run("deliver", "--json", "--debug", code=0)
    run("replay", "sentinel", "--from", "2026-11-18", "--to", "2026-11-20", code=0)
    with echoing() as (url, status):
        env = {name: value.replace(world.served.url, url) for name, value in world.env.items()}
        for number, answer in enumerate((400, 401, 302)):
            status[0] = answer
            toml = world.toml(*(type for type in TYPES if type not in CLOUD and type != "syslog"))
            toml = toml.replace(world.served.url, url).replace('name = "', f'name = "echo-{number}-')
            path.write_text(bare + toml)
            shop.site.env = env
            run("deliver", "--debug", code=1)
            run("doctor", code=None)
            run("dead-letters", "--json", code=None)
        run("dead-letters", "--retry", code=None)
        run("status", "--json", code=None)
    dead = shop.site.sql("select count(*), min(reason) from deliveries where status = 'dead'")
    assert dead[0][0] > 0  # the receiver's words were kept, so there was something to hide
    assert shop.site.sql("select count(*) from deliveries where reason like '%[hidden]%'") != [(0,)]
    written = list(everything_written(shop.site))
    assert any("receipts/" in name for name, _ in written)
    assert any("dead_letters/" in name for name, _ in written)
    for type in TYPES:
        assert world.secrets[type] or type == "syslog"
        for secret in world.secrets[type]:
            for form in forms(secret.encode()):
                for name, ended in said.items():
                    assert form not in (ended.out + ended.err).encode(), (type, name)
                for name, data in written:
                    assert form not in data, (type, name)
