"""The process that asks about revocation, as the supervisor starts it: in its sandbox, on the network, to allowed hosts only."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isolation.pool import call_pool
from signer.config import load_config
from tests.authority_server import authority_server
from tests.conftest import RunningAppliance
from tests.fuzz.authorities import Authority
from tests.fuzz.sealed_documents import SM2, Pki


@contextmanager
def _fetcher(config: Path, path: Path) -> Iterator[None]:
    ready_read, ready_write = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        arguments = [sys.executable, "-m", "signer.app.revocation_fetch", "--config", str(config)]
        arguments += ["--listen-fd", str(listener.fileno()), "--ready-fd", str(ready_write)]
        process = subprocess.Popen(arguments, pass_fds=[listener.fileno(), ready_write])
        os.close(ready_write)
    try:
        assert os.read(ready_read, 1) == b"1", "it did not start"
        yield
    finally:
        os.close(ready_read)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _ask(path: Path, pki: Pki) -> dict[str, list[str]]:
    request = json.dumps([base64.b64encode(der).decode() for der in (pki.certificate, *pki.chain)]).encode()
    answer: dict[str, list[str]] = json.loads(call_pool(path, request, timeout=60, limit=1 << 20, again=False))
    return answer


def test_it_asks_allowed_hosts_and_nobody_else(appliance: RunningAppliance, tmp_path: Path) -> None:
    with authority_server() as asked, authority_server() as other:
        plain = (appliance.directory / "signer.toml").read_text(encoding="utf-8")
        config = appliance.directory / "with-verification.toml"
        table = f'[verification]\nhosts = ["{asked.host}"]\ncache = "{tmp_path / "cache"}"\n'
        assert plain.count("[verification]\n") == 1
        config.write_text(plain.replace("[verification]\n", table), encoding="utf-8")
        assert load_config(config).verification.hosts == (asked.host,)
        authority = Authority.new(SM2)
        crl = authority.crl({})
        asked.pages["/root.crl"] = other.pages["/root.crl"] = (200, crl)
        with _fetcher(config, tmp_path / "fetch.sock"):
            good = authority.signer("good", lists=asked.address("/root.crl"))
            bad = authority.signer("bad", lists=other.address("/root.crl"))
            assert _ask(tmp_path / "fetch.sock", good) == {"lists": [base64.b64encode(crl).decode()], "responses": []}
            assert _ask(tmp_path / "fetch.sock", bad) == {"lists": [], "responses": []}
        assert (asked.asked, other.asked) == (["GET /root.crl"], [])
