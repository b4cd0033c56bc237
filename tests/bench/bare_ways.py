"""The goals' ways of working, bare: measured as the goals are, against the same references, with as little of ours in them as can be.

A document that is rendered, a signature that is made and verified, an answer by gRPC; a file of our own that comes by gRPC and is hashed
once; pyHanko's own validation, no check of ours beside it, in a confined process for each stranger's file. Nothing here is a part of
the product.
"""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from policy_render.catalog import Catalog
from policy_render.data_schema import check_data
from policy_render.renderer import Renderer
from tests.bench.documents import strangers_file, validate_by_pyhanko
from tests.bench.reference_servers import processes
from tests.bench.work import bare, issued_files, open_connection
from tests.bench.workload import Place

_SOCKET = "pyhanko.sock"


class LeastDocuments:
    """What the null server does with documents. Any number of threads may use one."""

    def __init__(self, place: Place) -> None:
        """`place`: of the appliance, whose renderers and token are used."""
        self._place = place
        self._mine = threading.local()

    def issue(self, request: Any, _context: object) -> Any:
        """Rendered by the appliance's renderers; a signature by the token, and its verification. Not sealed, not kept, not recorded."""
        from signer.v1 import document_pb2

        template = self._catalog.get(request.template)
        data = check_data(template, request.data_json)
        pdf = self._renderer.render(template, data, draft=False, timeout=60).pdf
        self._sign()
        return document_pb2.IssueDocumentResponse(pdf=pdf)

    def verify(self, request: Any, _context: object) -> Any:
        """Hashed by SM3, which is how the issue register knows files."""
        from signer.algorithms import sm3
        from signer.v1 import document_pb2

        assert sm3.digest(request.pdf)
        return document_pb2.VerifyDocumentResponse()

    def _sign(self) -> None:
        if not hasattr(self._mine, "sign"):
            self._mine.sign = bare("sm2")(self._place, 0)  # a session of the token for each thread
        self._mine.sign()

    @cached_property
    def _catalog(self) -> Catalog:
        return Catalog.load()

    @cached_property
    def _renderer(self) -> Renderer:
        from signer.config import load_config

        return Renderer.from_config(load_config(self._place.directory / "signer.toml").renderer)


def receive_and_hash(appliance: Place, null: Place, _thread: int) -> Callable[[], int]:
    """VerifyDocument of files of our own by the null server."""
    from signer.v1 import document_pb2

    connection, files = open_connection(null), itertools.cycle(issued_files(appliance, 4))

    def step() -> int:
        request = document_pb2.VerifyDocumentRequest(pdf=next(files), omit_report=True)
        connection.call(connection.documents.VerifyDocument, request)
        return 1

    return step


def pyhanko_in_a_process_each(place: Place, _thread: int) -> Callable[[], int]:
    """A stranger's file, judged by what `confined_pyhanko` serves in the place's directory."""
    from isolation.pool import call_pool

    pdf = strangers_file(place)

    def step() -> int:
        assert call_pool(place.directory / _SOCKET, pdf, timeout=20, limit=1024, again=False) == b"valid"
        return 1

    return step


def _serve(directory: Path, ready: Any) -> None:
    """As the inspector: warmed, frozen, a confined process for each file."""
    import sysconfig

    from isolation.fork_server import ForkLimits, ForkServer
    from isolation.process_table import PROCESSES
    from signer.app.child_process import listen_on

    def judge(pdf: bytes) -> bytes:
        validate_by_pyhanko(pdf)
        return b"valid"

    judge(strangers_file(Place(directory, 0)))
    libraries = sorted({Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    limits = ForkLimits(PROCESSES["inspection"].limits, wall_seconds=25, children=4, request_bytes=1 << 24)
    server = ForkServer(listen_on(directory / _SOCKET), judge, libraries, limits)
    gc.collect()
    gc.freeze()
    ready.wait()
    server.serve()


@contextmanager
def confined_pyhanko(directory: Path) -> Iterator[None]:
    """Serves `pyhanko_in_a_process_each`."""
    with processes([(_serve, (directory,))]):
        yield
