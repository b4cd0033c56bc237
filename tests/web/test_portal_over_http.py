"""The portal over plain HTTP and HTTPS: statuses, headers, forms, JSON; and what it does with those who take too much.

Threats: T34, T10.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from signer.certificates.tls import make_authority, make_server
from signer.client import ClientProfile, Connection, load_profile
from signer.web.certificate import PortalCertificate
from signer.web.portal_config import PortalTlsFiles
from tests.conftest import RunningAppliance
from tests.web.documents import of_every_kind
from tests.web.served_portal import limited, serving

_BOUNDARY = "----a-boundary"
_MEBIBYTE = 1024 * 1024
_FORM = f"multipart/form-data; boundary={_BOUNDARY}"


@pytest.fixture(scope="module")
def profile(appliance: RunningAppliance) -> ClientProfile:
    """The portal's own."""
    return load_profile(appliance.directory / "clients" / "portal" / "profile.toml")


@pytest.fixture(scope="module")
def port(profile: ClientProfile) -> Iterator[int]:
    """A portal without narrow limits."""
    with serving(profile) as opened:
        yield opened


@pytest.fixture(scope="module")
def files(connection: Connection, sample: dict[str, Any]) -> dict[str, bytes]:
    """Contents by kind."""
    return of_every_kind(connection, sample)


def _form(content: bytes, name: str = "policy.pdf", field: str = "file") -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: application/pdf\r\n\r\n'
    return head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _ask(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def _upload(port: int, content: bytes, **headers: str) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
    response, body = _ask(
        port, "POST", "/verify", _form(content), Content_Type=_FORM, Accept="application/json", **headers
    )
    return response.status, json.loads(body), response


def test_every_answer_has_the_headers_that_keep_it_apart(port: int, files: dict[str, bytes]) -> None:
    answers = [
        _ask(port, "GET", "/verify"),
        _ask(port, "GET", "/nowhere"),
        _ask(port, "PUT", "/verify"),
        _ask(port, "POST", "/verify", _form(files["genuine"]), Content_Type=_FORM),
        _ask(port, "POST", "/verify", b"x", Content_Type="text/plain"),
    ]
    assert [answer.status for answer, _ in answers] == [200, 404, 405, 200, 415]
    for answer, body in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Server"] == "signer"
        assert answer.headers["Set-Cookie"] is None
        assert answer.headers["Strict-Transport-Security"] is None  # plain
        assert not re.search(rb"<script>|<style|\son\w+=|style=", body)


def test_its_own_files_are_named_by_their_content_and_kept_by_browsers(port: int) -> None:
    _, page = _ask(port, "GET", "/verify")
    named = set(re.findall(r"/static/[\w.]+", page.decode()))
    assert {name.rpartition(".")[2] for name in named} == {"css", "js", "svg"}
    for name in named:
        answer, body = _ask(port, "GET", name)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)", body)
    assert _ask(port, "GET", "/static/../portal.py")[0].status == 404
    assert _ask(port, "GET", "/static/%2e%2e/portal.py")[0].status == 404


def test_a_number_alone_tells_nothing(port: int, files: dict[str, bytes]) -> None:
    _, page = _ask(port, "GET", "/v?n=PDZA202611000000012345")
    assert "PDZA202611000000012345" in page.decode()
    for word in ("机动车商业保险", "真实有效", "签发时间"):
        assert word not in page.decode()
    _, unknown = _ask(port, "GET", "/v?n=PDZA999911000000099999")
    assert page.replace(b"PDZA202611000000012345", b"") == unknown.replace(b"PDZA999911000000099999", b"")
    assert b"%3C" not in _ask(port, "GET", "/v?n=" + "A" * 65)[1]


@pytest.mark.parametrize(
    ("kind", "outcome", "on_record"),
    [
        ("genuine", "genuine", True),
        ("lapsed", "not-in-force", True),
        ("changed", "changed", False),
        ("stranger", "not-ours", False),
        ("unsigned", "not-ours", False),
        ("no-pdf", "unreadable", False),
    ],
)
def test_programs_get_json(port: int, files: dict[str, bytes], kind: str, outcome: str, on_record: bool) -> None:
    status, told, response = _upload(port, files[kind])
    assert (status, told["outcome"]) == (200, outcome)
    assert (told["issued"] is not None) == on_record
    assert base64.b64decode(told["report_cms"])[:1] == b"\x30"
    assert response.headers["Content-Type"].startswith("application/json")
    _, body = _ask(port, "POST", "/verify", files[kind], Content_Type="application/pdf", Accept="application/json")
    assert json.loads(body)["outcome"] == outcome


def test_the_report_comes_back_from_the_page_and_nothing_else_does(port: int, files: dict[str, bytes]) -> None:
    _, page = _ask(port, "POST", "/verify", _form(files["genuine"]), Content_Type=_FORM)
    fields = dict(re.findall(r'name="(report|mark)" value="([^"]*)"', page.decode()))
    encoded = "application/x-www-form-urlencoded"
    answer, report = _ask(port, "POST", "/verify/report", urlencode(fields).encode(), Content_Type=encoded)
    assert answer.status == 200
    assert report == base64.b64decode(fields["report"])
    assert answer.headers["Content-Type"].startswith("application/pkcs7-mime")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="verification-report-')
    strange = {"report": base64.b64encode(b"<script>alert(1)</script>").decode(), "mark": fields["mark"]}
    for wrong in (strange, {**fields, "mark": "0" * 64}, {"report": fields["report"]}, {"report": "?", "mark": "é"}):
        answer, body = _ask(port, "POST", "/verify/report", urlencode(wrong).encode(), Content_Type=encoded)
        assert answer.status == 400
        assert "报告已失效" in body.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"", _FORM, 400, "malformed"),
        (f"--{_BOUNDARY}--\r\n".encode(), _FORM, 400, "no-file"),
        (_form(b""), _FORM, 400, "no-file"),
        (_form(b"x", field="other"), _FORM, 400, "no-file"),
        (_form(b"x" * 100)[:-10], _FORM, 400, "malformed"),  # the file itself may be cut, too
        (_form(b"x"), "multipart/form-data", 400, "malformed"),
        (_form(b"x"), "multipart/mixed; boundary=a", 415, "unknown-form"),
        (b"", "application/pdf", 400, "no-file"),
        (b"file=x", "application/x-www-form-urlencoded", 415, "unknown-form"),
    ],
)
def test_what_is_no_upload_is_told_so(port: int, body: bytes, content_type: str, status: int, reason: str) -> None:
    answer, told = _ask(port, "POST", "/verify", body, Content_Type=content_type, Accept="application/json")
    assert (answer.status, json.loads(told)["error"]["reason"]) == (status, reason)


def test_more_than_32_mib_is_refused_with_or_without_a_length(port: int) -> None:
    status, told, _ = _upload(port, bytes(33 * _MEBIBYTE))
    assert (status, told["error"]["reason"]) == (413, "too-large")

    def chunks() -> Iterator[bytes]:
        for _ in range(33):
            yield bytes(_MEBIBYTE)

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "POST",
        "/verify",
        chunks(),
        {"Content-Type": "application/pdf", "Accept": "application/json"},
        encode_chunked=True,
    )
    assert connection.getresponse().status == 413
    connection.close()
    assert _upload(port, bytes(32 * _MEBIBYTE - 1024))[0] == 200  # what fits is judged: no PDF


def test_a_compressed_body_is_refused(port: int) -> None:
    answer, _ = _ask(port, "POST", "/verify", b"x", Content_Type="application/pdf", Content_Encoding="gzip")
    assert answer.status == 415


def test_an_address_is_slowed_down_and_others_are_not(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile, limited(uploads_per_minute=6, upload_burst=3), proxies=("127.0.0.0/8",)) as port:

        def come(address: str) -> tuple[int, http.client.HTTPResponse]:
            status, _, response = _upload(port, files["no-pdf"], X_Forwarded_For=address)
            return status, response

        assert [come("192.0.2.1")[0] for _ in range(4)] == [200, 200, 200, 429]
        refused = come("192.0.2.1")[1]
        assert 1 <= int(refused.headers["Retry-After"]) <= 10
        assert come("192.0.2.2")[0] == 200
        # one customer of IPv6 has a network of 64 bits
        assert [come(f"2001:db8::{number}")[0] for number in range(1, 5)] == [200, 200, 200, 429]
        assert come("2001:db8:0:1::1")[0] == 200
        # a stranger's own words before the proxy's count for nothing
        assert come("203.0.113.9, 192.0.2.1")[0] == 429


def test_forwarded_addresses_are_believed_from_proxies_alone(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile, limited(uploads_per_minute=6, upload_burst=2)) as port:
        seen = [_upload(port, files["no-pdf"], X_Forwarded_For=f"192.0.2.{number}")[0] for number in range(3)]
        assert seen == [200, 200, 429]


def test_a_slow_body_ends_and_costs_nobody_else_an_answer(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile, limited(body_seconds=2, head_seconds=2)) as port:
        slow = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(20)]
        head = f"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: {_FORM}\r\nContent-Length: 1000000\r\n\r\n".encode()
        for sent, connection in enumerate(slow):
            connection.sendall(
                head + _form(b"x" * 1000)[:500] if sent % 2 else head[:40]
            )  # half of them not even a head
        assert _upload(port, files["genuine"])[1]["outcome"] == "genuine"
        answers = [_everything(connection) for connection in slow]
        assert {answer.split(b"\r\n")[0] for answer in answers[1::2]} == {b"HTTP/1.1 408 Request Timeout"}
        assert {answer[:12] for answer in answers[::2]} <= {b"", b"HTTP/1.1 400"}


def _everything(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    connection.close()
    return received


def test_uploads_together_hold_no_more_than_their_memory(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile, limited(upload_bytes=32 * _MEBIBYTE)) as port:
        held = []
        head = f"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: {20 * _MEBIBYTE}\r\n\r\n"
        for _ in range(1):
            connection = socket.create_connection(("127.0.0.1", port), 30)
            connection.sendall(head.encode() + bytes(19 * _MEBIBYTE))
            held.append(connection)
        time.sleep(0.5)
        status, told, response = _upload(port, bytes(20 * _MEBIBYTE))
        assert (status, told["error"]["reason"]) == (503, "busy")
        assert response.headers["Retry-After"]
        assert _upload(port, files["genuine"])[1]["outcome"] == "genuine"  # small ones still fit
        for connection in held:
            connection.close()
        until = time.monotonic() + 20
        while _upload(port, bytes(20 * _MEBIBYTE))[0] != 200:  # what went away holds nothing
            assert time.monotonic() < until


def test_ten_bad_uploads_at_once_while_good_ones_get_answers(port: int, files: dict[str, bytes]) -> None:
    bomb = (
        b"%PDF-1.7\n"
        + b"1 0 obj<</Length 10 0 R/Filter[/FlateDecode/FlateDecode]>>stream\n" * 2000
        + bytes(8 * _MEBIBYTE)
    )
    with ThreadPoolExecutor(12) as threads:
        bad = [threads.submit(_upload, port, bomb) for _ in range(10)]
        good = [threads.submit(_upload, port, files["genuine"]) for _ in range(4)]
        assert {future.result()[1]["outcome"] for future in good} == {"genuine"}
        assert {future.result()[1].get("outcome", "busy") for future in bad} <= {"unreadable", "not-ours", "busy"}


def test_many_connections_of_one_address_leave_room_for_others(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile, limited(connections=16, connections_per_address=256, head_seconds=5)) as port:
        idle = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(16)]
        other = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=("127.0.0.9", 0))
        other.request(
            "POST", "/verify", files["genuine"], {"Content-Type": "application/pdf", "Accept": "application/json"}
        )
        assert json.loads(other.getresponse().read())["outcome"] == "genuine"
        other.close()
        assert idle[0].recv(1) == b""  # the flood's oldest had to go
        for connection in idle:
            connection.close()
    with serving(profile, limited(connections_per_address=4)) as port:
        kept = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(4)]
        fifth = socket.create_connection(("127.0.0.1", port), 30)
        assert fifth.recv(1) == b""
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /verify HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /verify HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n",
        b"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /verify HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused_and_tell_nothing(port: int, request_bytes: bytes) -> None:
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.sendall(request_bytes)
    with suppress(OSError):  # ended by the other side already
        connection.shutdown(socket.SHUT_WR)
    answer = _everything(connection)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"431", b"414"}
    assert b"Traceback" not in answer


def test_over_https_browsers_are_told_to_stay_there(profile: ClientProfile, tmp_path: Path) -> None:
    authority = make_authority("portal test authority")
    pair = make_server(authority, "127.0.0.1")
    own = PortalTlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    own.certificate.write_bytes(pair.certificate_pem)
    own.key.write_bytes(pair.key_pem)
    certificate = PortalCertificate(own)
    with serving(profile, limited(head_seconds=2), tls=(own, certificate.context)) as port:
        context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        connection.request("GET", "/verify")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        connection.close()
        with socket.create_connection(("127.0.0.1", port), 30) as silent:  # a handshake that never comes
            assert silent.recv(1) == b""
        renewed = make_server(authority, "127.0.0.1")
        own.certificate.write_bytes(renewed.certificate_pem)
        own.key.write_bytes(renewed.key_pem)
        with context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), 30), server_hostname="127.0.0.1"
        ) as seen:
            shown = seen.getpeercert(binary_form=True)
        assert shown == ssl.PEM_cert_to_DER_cert(renewed.certificate_pem.decode())


def test_an_appliance_that_is_away_is_told_as_such(profile: ClientProfile, files: dict[str, bytes]) -> None:
    with serving(profile.at("127.0.0.1:9"), limited(verification_seconds=2)) as port:
        status, told, response = _upload(port, files["genuine"])
        assert (status, told["error"]["reason"]) == (503, "unavailable")
        assert response.headers["Retry-After"]
        assert "这不说明您的文件有问题" in told["error"]["advice"]["zh"]
        assert _ask(port, "GET", "/verify")[0].status == 200
