"""Fetching about revocation: from allowed hosts only, bounded, kept while it is current, and only what the authority signed.

Threat: T33.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signer.algorithms import SignatureAlgorithm
from signer.certificates import Certificate
from signer.certificates.ocsp import build_request
from signer.certificates.revocation_cache import Fetched, RevocationCache
from signer.certificates.revocation_sources import Address, allowed, list_addresses, responder_addresses
from tests.authority_server import AuthorityServer, authority_server
from tests.fuzz.authorities import DAY, NOW, Authority
from tests.fuzz.sealed_documents import RSA, SM2

BOTH = pytest.mark.parametrize("algorithm", [SM2, RSA], ids=["sm2", "rsa"])


@pytest.fixture
def server() -> Iterator[AuthorityServer]:
    with authority_server() as running:
        yield running


def _cache(directory: Path, *hosts: str, timeout: float = 5.0, limit: int = 100_000) -> RevocationCache:
    directory.mkdir(exist_ok=True)
    return RevocationCache(directory, hosts, timeout, limit)


def _chain(authority: Authority, server: AuthorityServer, *, lists: str = "", responder: str = "") -> list[Certificate]:
    leaf = authority.signer(
        lists=server.address(lists) if lists else "", responder=server.address(responder) if responder else ""
    )
    return [Certificate.load(leaf.certificate), Certificate.load(authority.certificate)]


@pytest.mark.parametrize(
    ("address", "hosts", "wanted"),
    [
        ("http://crl.example.cn/a.crl?x=1", ("crl.example.cn",), Address(False, "crl.example.cn", 80, "/a.crl?x=1")),
        ("https://CRL.example.cn", ("crl.example.cn",), Address(True, "crl.example.cn", 443, "/")),
        ("http://crl.example.cn:80/", ("crl.example.cn",), Address(False, "crl.example.cn", 80, "/")),
        ("http://crl.example.cn:8080/", ("crl.example.cn:8080",), Address(False, "crl.example.cn", 8080, "/")),
        ("http://[::1]:8080/", ("[::1]:8080",), Address(False, "::1", 8080, "/")),
        ("http://crl.example.cn:8080/", ("crl.example.cn",), None),
        ("http://evil.example.cn/", ("crl.example.cn",), None),
        ("http://crl.example.cn.evil.cn/", ("crl.example.cn",), None),
        ("http://crl.example.cn@evil.cn/", ("crl.example.cn",), None),
        ("http://user@crl.example.cn/", ("crl.example.cn",), None),
        ("http://evil.cn#@crl.example.cn/", ("crl.example.cn",), None),
        ("http://evil.cn\\@crl.example.cn/", ("crl.example.cn",), None),
        ("ldap://crl.example.cn/", ("crl.example.cn",), None),
        ("file:///etc/passwd", ("crl.example.cn", ""), None),
        ("http:///nowhere", ("",), None),
        ("http://crl.example.cn:99999/", ("crl.example.cn",), None),
        ("http://crl.example.cn/\r\nX: y", ("crl.example.cn",), None),
        ("http://crl.example.cn/" + "a" * 2_000, ("crl.example.cn",), None),
        ("http://crl.example.cn/证书", ("crl.example.cn",), None),
    ],
)
def test_an_address_is_followed_only_to_an_allowed_host(
    address: str, hosts: tuple[str, ...], wanted: Address | None
) -> None:
    assert allowed(address, hosts) == wanted


@BOTH
def test_responses_and_lists_are_fetched_once_and_kept(
    algorithm: SignatureAlgorithm, server: AuthorityServer, tmp_path: Path
) -> None:
    authority = Authority.new(algorithm)
    by_list = _chain(authority, server, lists="/root.crl")
    by_response = _chain(authority, server, responder="/ocsp")
    assert list_addresses(by_list[0]) == [server.address("/root.crl")]
    assert responder_addresses(by_response[0]) == [server.address("/ocsp")]
    crl, response = authority.crl({}), authority.ocsp(by_response[0].der)
    server.pages |= {"/root.crl": (200, crl), "/ocsp": (200, response)}
    for _ in range(2):
        cache = _cache(tmp_path / "cache", server.host)  # as another process would open it
        assert cache.about(by_list) == Fetched((crl,), ())
        assert cache.about(by_response) == Fetched((), (response,))
    assert server.asked == ["GET /root.crl", "POST /ocsp"]
    assert server.bodies == [build_request(*by_response)]


def test_nobody_else_is_ever_asked(server: AuthorityServer, tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    chain = _chain(authority, server, lists="/root.crl", responder="/ocsp")
    server.pages["/root.crl"] = (200, authority.crl({}))
    for hosts in ((), ("crl.example.cn",), ("127.0.0.1",), (f"127.0.0.1:{server.port + 1}",)):
        assert _cache(tmp_path / "cache", *hosts).about(chain) == Fetched()
    assert server.asked == []


def test_a_redirect_leads_nowhere(server: AuthorityServer, tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    server.pages = {"/root.crl": (302, server.address("/other").encode()), "/other": (200, authority.crl({}))}
    assert _cache(tmp_path / "cache", server.host).about(_chain(authority, server, lists="/root.crl")) == Fetched()
    assert server.asked == ["GET /root.crl"]


def test_only_what_the_authority_signed_is_taken(server: AuthorityServer, tmp_path: Path) -> None:
    authority, other = Authority.new(RSA), Authority.new(RSA)
    chain = _chain(authority, server, lists="/root.crl", responder="/ocsp")
    cache = _cache(tmp_path / "cache", server.host)
    server.pages = {"/root.crl": (200, other.crl({})), "/ocsp": (200, other.ocsp(chain[0].der))}
    assert cache.about(chain) == Fetched()
    assert list((tmp_path / "cache").iterdir()) == []
    for file in ("a", "b"):
        (tmp_path / "cache" / file).write_bytes(b"junk that somebody put there")
    server.pages = {}
    assert cache.about(chain) == Fetched()


def test_what_failed_is_left_alone_for_a_while(server: AuthorityServer, tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    chain = _chain(authority, server, lists="/root.crl")
    cache = _cache(tmp_path / "cache", server.host)
    assert cache.about(chain) == Fetched()
    server.pages["/root.crl"] = (200, authority.crl({}))
    assert cache.about(chain) == Fetched()
    assert server.asked == ["GET /root.crl"]


def test_what_has_run_out_is_fetched_anew(server: AuthorityServer, tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    chain = _chain(authority, server, lists="/root.crl")
    cache = _cache(tmp_path / "cache", server.host)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    server.pages["/root.crl"] = (200, authority.crl({}, next_update=soon))
    first = cache.about(chain)
    assert len(first.lists) == 1
    server.pages["/root.crl"] = (200, authority.crl({chain[0].der: NOW - DAY}))
    while datetime.now(UTC) <= soon:
        time.sleep(0.1)
    assert cache.about(chain) != first
    assert len(server.asked) == 2


def test_size_and_time_are_bounded(server: AuthorityServer, tmp_path: Path) -> None:
    authority = Authority.new(SM2)
    large = authority.crl({authority.signer(str(number)).certificate: NOW - DAY for number in range(60)})
    assert len(large) > 2_000
    server.pages["/root.crl"] = (200, large)
    chain = _chain(authority, server, lists="/root.crl")
    assert _cache(tmp_path / "a", server.host, limit=len(large) - 1).about(chain) == Fetched()
    assert _cache(tmp_path / "b", server.host, limit=len(large)).about(chain) == Fetched((large,), ())
    server.slow_paths.add("/root.crl")
    assert _cache(tmp_path / "c", server.host, timeout=0.3).about(chain) == Fetched()
