"""An outside timestamp authority for tests: an HTTP server in front of `openssl ts -reply`, with a certificate that OpenSSL made."""

from __future__ import annotations

import subprocess
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

_SETTINGS = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = test timestamp authority
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,{purpose}
[tsa]
default_tsa = tsa1
[tsa1]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = {identifier}
"""


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class OpensslAuthority:
    """`status`, `content_type`, `headers`, `answer`, `slow_seconds`: how the answer differs from a right one. `asked`: how often it was."""

    def __init__(
        self,
        folder: Path,
        *,
        purpose: str = "timeStamping",
        identifier: str = "sha256",
        key: tuple[str, ...] = ("rsa:2048",),
    ) -> None:
        self._folder = folder
        self.anchor = folder / "ca.pem"
        self.settings = folder / "openssl.cnf"
        self.settings.write_text(_SETTINGS.format(folder=folder, purpose=purpose, identifier=identifier))
        (folder / "serial").write_text("01\n")
        self._make_certificates(key)
        self.status, self.content_type, self.asked = 200, "application/timestamp-reply", 0
        self.headers: dict[str, str] = {}
        self.answer: bytes | None = None
        self.slow_seconds = 0.0
        self._server = HTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/tsa?x=1"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def _make_certificates(self, key: tuple[str, ...]) -> None:
        folder = self._folder
        common: tuple[str | Path, ...] = ("-config", self.settings, "-nodes", "-days", "30")
        new_key: tuple[str, ...] = ("-newkey", key[0], *(part for option in key[1:] for part in ("-pkeyopt", option)))
        _openssl(
            "req",
            "-x509",
            *common,
            *new_key,
            "-keyout",
            folder / "ca.key",
            "-out",
            self.anchor,
            "-extensions",
            "authority",
        )
        _openssl(
            *("req", "-x509", *common, *new_key, "-keyout", folder / "tsa.key", "-out", folder / "tsa.pem"),
            *("-extensions", "stamping", "-subj", "/CN=stamper", "-CA", self.anchor, "-CAkey", folder / "ca.key"),
        )

    def reply(self, query: bytes) -> bytes:
        asked, answer = self._folder / "query.tsq", self._folder / "answer.tsr"
        asked.write_bytes(query)
        _openssl("ts", "-reply", "-queryfile", asked, "-out", answer, "-config", self.settings)
        return answer.read_bytes()

    def drip(self, write: object, content: bytes) -> None:
        """A byte now and then: each one in time, all together never."""
        assert callable(write)
        for place in range(len(content)):
            if self._stop.wait(self.slow_seconds):
                return
            try:
                write(content[place : place + 1])
            except OSError:
                return

    def __enter__(self) -> OpensslAuthority:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, authority: OpensslAuthority, *arguments: Any) -> None:
        self._authority = authority
        super().__init__(*arguments)

    def do_POST(self) -> None:
        authority = self._authority
        authority.asked += 1
        query = self.rfile.read(int(self.headers["Content-Length"]))
        content = authority.answer if authority.answer is not None else authority.reply(query)
        self.send_response(authority.status)
        self.send_header("Content-Type", authority.content_type)
        for name, value in authority.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if authority.slow_seconds:
            authority.drip(self.wfile.write, content)
        else:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return
