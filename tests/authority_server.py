"""An authority's web server for tests: serves what it is given, counts who asks, and can misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conftest import free_port_base


@dataclass
class AuthorityServer:
    """`pages`: path → status, body. `asked`: method and path of each request, `bodies`: what was posted."""

    port: int
    pages: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    slow_paths: set[str] = field(default_factory=set)

    @property
    def host(self) -> str:
        """As in a list of allowed hosts."""
        return f"127.0.0.1:{self.port}"

    def address(self, path: str) -> str:
        """As in a certificate."""
        return f"http://{self.host}{path}"


@contextmanager
def authority_server() -> Iterator[AuthorityServer]:
    """A running server; ends with the context."""
    state = AuthorityServer(free_port_base())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer()

        def _answer(self) -> None:
            state.asked.append(f"{self.command} {self.path}")
            status, body = state.pages.get(self.path, (404, b""))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for at in range(0, len(body), 1_000):
                if self.path in state.slow_paths:
                    time.sleep(0.2)
                try:
                    self.wfile.write(body[at : at + 1_000])
                except OSError:
                    return

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", state.port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
