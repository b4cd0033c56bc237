"""Approved grants: m of n administrators over the very bytes, a version that only grows; everything else is refused by name.

Threat: T21.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.serialization import Encoding

from signer.algorithms import SignatureAlgorithm
from signer.app.grants_loading import inspect_grants, load_approved_grants
from signer.authz import Existing
from signer.authz.approval import ApprovalConfig, signatures_directory
from signer.certificates.tls import make_authority
from signer.config.grants import GrantsConfig
from signer.errors import ConfigurationError, Reason
from tests.conformance.message_signers import MessageSigner, signer

_EXISTING = Existing({"S/Sign"}, {"k1", "k2"}, (), ())
_TEXT = 'format = 1\nversion = {version}\n\n[[grants]]\nclient = "core"\nrpcs = ["S/Sign"]\nkeys = ["{key}"]\n'


@cache
def _openssl_administrator(folder: Path) -> tuple[Path, Path]:
    """Key and self-signed certificate, made by the openssl command: an administrator with tools of his own."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-subj", "/CN=wang", "-days", "30"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


@dataclass
class _Office:
    """A grants file, three administrators (openssl with RSA, SM2, RSA), and what they sign."""

    config: GrantsConfig
    key: Path
    certificate: Path

    @property
    def file(self) -> Path:
        return self.config.file

    def write(self, version: int, key: str = "k1") -> bytes:
        text = _TEXT.format(version=version, key=key).encode()
        self.file.write_bytes(text)
        return text

    def sign_with_openssl(self) -> None:
        command: list[str | Path] = ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER"]
        out = signatures_directory(self.file) / "wang.p7s"
        subprocess.run(
            [*command, "-in", self.file, "-signer", self.certificate, "-inkey", self.key, "-out", out], check=True
        )

    def sign(self, name: str, content: bytes | None = None, *, attached: bool = False) -> None:
        content = self.file.read_bytes() if content is None else content
        signed = _signers()[name].cms(content, attached=attached)
        (signatures_directory(self.file) / f"{name}.p7s").write_bytes(signed)


def _signers() -> dict[str, MessageSigner]:
    return {"li": signer(SignatureAlgorithm.SM2_SM3), "zhao": signer(SignatureAlgorithm.RSA_PKCS1_SHA256)}


@pytest.fixture
def office(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> _Office:
    administrators = tmp_path / "administrators"
    administrators.mkdir()
    file = tmp_path / "grants.toml"
    signatures_directory(file).mkdir()
    key, certificate = _openssl_administrator(tmp_path_factory.getbasetemp())
    (administrators / "wang.pem").write_bytes(certificate.read_bytes())
    for name, made in _signers().items():
        (administrators / f"{name}.pem").write_bytes(pem.armor("CERTIFICATE", made.certificate))
    config = GrantsConfig(file, ApprovalConfig(administrators, 2, tmp_path / "grants-version"))
    return _Office(config, key, certificate)


def _refusal(office: _Office) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_approved_grants(office.config, _EXISTING)
    assert refused.value.reason is Reason.GRANTS_INVALID
    return refused.value.message


def test_two_of_three_approve_with_openssl_and_with_sm2(office: _Office) -> None:
    office.write(1)
    office.sign_with_openssl()
    office.sign("li")
    loaded = load_approved_grants(office.config, _EXISTING)
    assert loaded.approval is not None
    assert loaded.approval.approvers == ("li", "wang")
    assert loaded.content.version == 1


def test_one_is_not_enough_and_the_same_one_twice_is_one(office: _Office) -> None:
    office.write(1)
    office.sign("li")
    twice = signatures_directory(office.file) / "again.p7s"
    twice.write_bytes((signatures_directory(office.file) / "li.p7s").read_bytes())
    assert "has 1 of the 2 signatures that are needed (li)" in _refusal(office)


def test_any_changed_byte_takes_the_approval_away(office: _Office) -> None:
    text = office.write(1)
    office.sign("li")
    office.sign("zhao")
    load_approved_grants(office.config, _EXISTING)
    for place in range(len(text)):
        office.file.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        assert "has 0 of the 2" in _refusal(office)


def test_signatures_that_do_not_count_are_named(office: _Office) -> None:
    text = office.write(1)
    office.sign("li", text + b"\n")
    office.sign("zhao", attached=True)
    directory = signatures_directory(office.file)
    (directory / "noise.p7s").write_bytes(b"\x30\x03\x02\x01")
    (directory / "big.p7s").write_bytes(bytes(100_000))
    told = _refusal(office)
    assert "has 0 of the 2" in told
    for name in ("li.p7s: ", "zhao.p7s: ", "noise.p7s: ", "big.p7s: larger than"):
        assert name in told


def test_a_stranger_and_one_who_left_do_not_count(office: _Office) -> None:
    office.write(1)
    office.sign("li")
    office.sign("zhao")
    stranger = make_authority("zhao").certificate.public_bytes(Encoding.PEM)
    (office.config.approval.administrators / "zhao.pem").write_bytes(stranger)
    assert "zhao.p7s: its signer is not an administrator" in _refusal(office)


def test_too_few_administrators_are_told(office: _Office) -> None:
    office.write(1)
    for name in ("wang", "li"):
        (office.config.approval.administrators / f"{name}.pem").unlink()
    assert "has 1 certificates; 2 administrators must approve" in _refusal(office)


def _approve(office: _Office, version: int, key: str = "k1") -> None:
    office.write(version, key)
    office.sign("li")
    office.sign("zhao")


def test_an_older_version_is_refused_though_it_was_approved(office: _Office) -> None:
    _approve(office, 7)
    load_approved_grants(office.config, _EXISTING)
    load_approved_grants(office.config, _EXISTING)
    _approve(office, 6)
    assert "version 6 is older than the one that was in force (version 7)" in _refusal(office)
    _approve(office, 7, "k2")
    assert "version 7 has another content" in _refusal(office)
    _approve(office, 8, "k2")
    assert load_approved_grants(office.config, _EXISTING).content.version == 8


def test_looking_at_a_file_remembers_nothing(office: _Office) -> None:
    _approve(office, 9)
    inspect_grants(office.config, _EXISTING)
    _approve(office, 8)
    load_approved_grants(office.config, _EXISTING)


def test_a_file_that_is_refused_for_its_content_does_not_raise_the_version(office: _Office) -> None:
    _approve(office, 9, "k9")
    assert "'k9' does not exist" in _refusal(office)
    _approve(office, 2)
    load_approved_grants(office.config, _EXISTING)


@pytest.mark.parametrize("damage", [b"{", b'{"version": "x", "sha256": 1}', b"[]", b"\xff\xfe"])
def test_a_damaged_version_file_is_not_passed_over(office: _Office, damage: bytes) -> None:
    _approve(office, 1)
    office.config.approval.version_file.write_bytes(damage)
    assert "is damaged" in _refusal(office)


def test_a_missing_file_and_an_endless_one_are_told(office: _Office) -> None:
    assert "there is no such file" in _refusal(office)
    with office.file.open("wb") as opened:
        opened.truncate(5 * 1024 * 1024)
    assert "larger than" in _refusal(office)
