"""The metrics listener against peers that are hostile, silent, slow or many: they get nothing, and others get their page."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from monitoring import metrics
from monitoring.bounded_server import BoundedServer
from monitoring.metrics_tls import TlsFiles, TlsFilesUnusable, TlsMaterial
from signer.certificates.tls import make_authority, make_client, make_server
from tests.integration.monitoring.tls_files import MonitoringPki


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class SmallServer(BoundedServer):
    """With limits that a test can reach."""

    most_connections = 8
    handshake_seconds = 1.0
    longest_seconds = 3.0


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> MonitoringPki:
    """The listener's."""
    return MonitoringPki(tmp_path_factory.mktemp("pki"))


def _served(tls: TlsMaterial | None) -> Iterator[int]:
    server = SmallServer(("127.0.0.1", 0), _Page, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def port(pki: MonitoringPki) -> Iterator[int]:
    """Of a listener with mutual TLS."""
    yield from _served(TlsMaterial(pki.files))


@pytest.fixture(scope="module")
def plain_port() -> Iterator[int]:
    """Of a plain listener."""
    yield from _served(None)


def _refused(reason: str) -> float:
    value: float = metrics.metrics_connections_refused.labels(reason)._value.get()
    return value


def _grows(reason: str, before: float) -> None:
    until = time.monotonic() + 20
    while _refused(reason) <= before:
        assert time.monotonic() < until, f"{reason} was not counted"
        time.sleep(0.02)


def test_prometheus_gets_its_page_by_tls_1_3_and_by_1_2(pki: MonitoringPki, port: int) -> None:
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context = pki.context()
        context.minimum_version = context.maximum_version = version
        assert pki.get(port, "/", context) == (200, "page")


def _no_certificate(pki: MonitoringPki) -> ssl.SSLContext:
    return pki.context("")


def _wrong_authority(pki: MonitoringPki) -> ssl.SSLContext:
    pki.write("stranger", make_client(make_authority("monitoring"), "prometheus", "urn:example:prometheus"))
    return pki.context("stranger")


def _server_certificate(pki: MonitoringPki) -> ssl.SSLContext:
    pki.write("other-server", make_server(pki.authority, "127.0.0.1"))
    return pki.context("other-server")


def _expired(pki: MonitoringPki) -> ssl.SSLContext:
    pki.write("expired", pki.client(valid=timedelta(minutes=-1)))
    return pki.context("expired")


def _tls_1_1(pki: MonitoringPki) -> ssl.SSLContext:
    context = pki.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _without_forward_secrecy(pki: MonitoringPki) -> ssl.SSLContext:
    context = pki.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256:AES256-SHA256")
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (_no_certificate, "no-certificate"),
        (_wrong_authority, "certificate-refused"),
        (_server_certificate, "certificate-refused"),
        (_expired, "certificate-refused"),
        (_tls_1_1, "protocol"),
        (_without_forward_secrecy, "protocol"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_who_may_not_scrape_gets_nothing(
    pki: MonitoringPki, port: int, hostile: Callable[[MonitoringPki], ssl.SSLContext], reason: str
) -> None:
    before = _refused(reason)
    with pytest.raises(OSError):
        pki.get(port, "/", hostile(pki))
    _grows(reason, before)
    assert pki.get(port, "/") == (200, "page")


def test_plain_http_and_rubbish_get_nothing(pki: MonitoringPki, port: int) -> None:
    for rubbish in (b"GET /metrics HTTP/1.0\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff"):
        before = _refused("protocol")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(rubbish)
            with suppress(OSError):  # it may have ended the connection already
                connection.shutdown(socket.SHUT_WR)
            assert b"page" not in _read_all(connection)
        _grows("protocol", before)
    assert pki.get(port, "/") == (200, "page")


def _read_all(connection: socket.socket) -> bytes:
    connection.settimeout(20)
    received = b""
    try:
        while more := connection.recv(4096):
            received += more
    except ConnectionResetError:
        pass
    return received


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_silent_peers_keep_nobody_waiting_and_are_sent_away(pki: MonitoringPki, port: int) -> None:
    before = _refused("handshake-timeout")
    with ExitStack() as opened:
        silent = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(5)]
        assert pki.get(port, "/") == (200, "page")
        assert all(_is_open(connection) for connection in silent)  # it was served beside them, not after them
        _grows("handshake-timeout", before + 4)
        assert [_read_all(connection) for connection in silent] == [b""] * 5


def test_a_flood_crowds_out_its_own_oldest(pki: MonitoringPki, port: int) -> None:
    before = _refused("too-many")
    with ExitStack() as opened:
        flood = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(24)]
        assert pki.get(port, "/") == (200, "page")
        _grows("too-many", before)
        assert _read_all(flood[0]) == b""


@pytest.mark.parametrize("hello", [b"", b"GET / HT"])
def test_a_peer_that_never_finishes_its_request_is_ended(plain_port: int, hello: bytes) -> None:
    """Also one that sends a byte now and then: what counts is the time since its beginning."""
    with socket.create_connection(("127.0.0.1", plain_port)) as connection:
        connection.sendall(hello)
        ended = threading.Event()

        def trickle() -> None:
            try:
                while not ended.wait(0.2):
                    connection.sendall(b"x")
            except OSError:
                return

        sender = threading.Thread(target=trickle)
        sender.start()
        assert b"page" not in _read_all(connection)
        ended.set()
        sender.join()


# ---- files


def test_a_new_certificate_is_taken_without_a_restart_and_a_broken_one_is_not(tmp_path: Path) -> None:
    pki = MonitoringPki(tmp_path / "pki")
    material = TlsMaterial(pki.files)
    first = material.context()
    assert material.context() is first
    expiry = metrics.certificate_expiry_timestamp_seconds.labels("metrics-listener")._value
    before = expiry.get()
    pki.write("server", make_server(pki.authority, "127.0.0.1"))
    second = material.context()
    assert second is not first
    assert expiry.get() >= before > time.time()
    pki.files.certificate.write_text("broken")
    assert material.context() is second


def _garbage(pki: MonitoringPki) -> None:
    pki.files.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def _key_of_another(pki: MonitoringPki) -> None:
    pki.files.key.write_bytes(pki.client().key_pem)


def _no_authority(pki: MonitoringPki) -> None:
    pki.files.client_authority.unlink()


def _empty_authority(pki: MonitoringPki) -> None:
    pki.files.client_authority.write_text("")


def _short_rsa(pki: MonitoringPki) -> None:
    _replace_by(pki, rsa.generate_private_key(65537, 1024))


def _odd_curve(pki: MonitoringPki) -> None:
    _replace_by(pki, ec.generate_private_key(ec.SECP256K1()))


def _replace_by(pki: MonitoringPki, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    """A self-signed certificate over the key, as the listener's."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pki.files.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


@pytest.mark.parametrize("spoil", [_garbage, _key_of_another, _no_authority, _empty_authority, _short_rsa, _odd_curve])
def test_files_that_cannot_be_used_are_told_at_start(tmp_path: Path, spoil: Callable[[MonitoringPki], None]) -> None:
    pki = MonitoringPki(tmp_path / "pki")
    spoil(pki)
    with pytest.raises(TlsFilesUnusable) as caught:
        TlsMaterial(TlsFiles(pki.files.certificate, pki.files.key, pki.files.client_authority))
    assert caught.value.remedy
    assert str(tmp_path) not in caught.value.message
