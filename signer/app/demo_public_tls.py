"""The demo appliance's public listener: SM2 authority, server certificate, an empty CRL, and the client "channel" with its profile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from signer.app.demo_files import write_secret
from signer.certificates.sm2_tls import (
    VALID,
    Sm2TlsPair,
    make_crl,
    make_sm2_authority,
    make_sm2_client,
    make_sm2_server,
)
from signer.transport.identity import CLIENT_URI_PREFIX

CLIENT = "channel"
_HOST = "127.0.0.1"

_PROFILE = """\
# How the client "channel" reaches the appliance from outside: TLS 1.3 with SM2, SM3 and SM4 (RFC 8998). Written by `signer init --demo`.
address = "smtls://127.0.0.1:{port}"
authority = "../../public/ca.pem"
certificate = "cert.pem"
key = "key.pem"
"""


def make_demo_public_tls(directory: Path, port: int, tell: Callable[[str], None]) -> None:
    """Makes what is missing; the profile is written anew, for the port."""
    public, client = directory / "public", directory / "clients" / CLIENT
    for folder in (public / "crl", client):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (client / "profile.toml").write_text(_PROFILE.format(port=port), encoding="utf-8")
    if (public / "ca.pem").exists():
        return
    tell("public listener: SM2 authority, server certificate, client certificate channel, CRL")
    authority = make_sm2_authority("demo public TLS authority")
    _write_pair(public / "server.pem", public / "server.key", make_sm2_server(authority, _HOST))
    _write_pair(client / "cert.pem", client / "key.pem", make_sm2_client(authority, CLIENT, CLIENT_URI_PREFIX + CLIENT))
    # The authority's key lies where the front can't read.
    _write_pair(directory / "tls" / "public-authority.pem", directory / "tls" / "public-authority.key", authority)
    (public / "crl" / "clients.crl").write_bytes(make_crl(authority, [], number=1, valid=VALID))
    (public / "ca.pem").write_bytes(authority.certificate_pem)


def _write_pair(certificate: Path, key: Path, pair: Sm2TlsPair) -> None:
    certificate.write_bytes(pair.certificate_pem)
    write_secret(key, lambda: pair.key.reveal_pem().decode("ascii"))
