"""The trust store: PEM files and bundles in a directory, and what is said where one of them can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signer.certificates import TrustStore, TrustStoreConfig
from signer.errors import ConfigurationError, Reason
from tests.conformance.path_cases import root


def _pem(*certificates: bytes) -> bytes:
    return b"".join(pem.armor("CERTIFICATE", der) for der in certificates)


def _load(directory: Path) -> TrustStore:
    return TrustStore.from_config(TrustStoreConfig(directory))


def test_files_and_bundles_are_read_once_each(tmp_path: Path) -> None:
    first, second, third = (root(name).certificate for name in ("A", "B", "C"))
    (tmp_path / "1.pem").write_bytes(_pem(first))
    (tmp_path / "2.pem").write_bytes(b"a comment\n" + _pem(second, third) + _pem(first))
    (tmp_path / "notes.txt").write_text("not read")
    assert [anchor.der for anchor in _load(tmp_path).anchors] == [first, second, third]


def _assert_refused(directory: Path, *parts: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(directory)
    assert caught.value.reason is Reason.START_FAILED
    assert caught.value.remedy
    for part in parts:
        assert part in caught.value.message


def test_an_empty_or_missing_directory_trusts_nobody_and_says_so(tmp_path: Path) -> None:
    _assert_refused(tmp_path, "no *.pem files")
    _assert_refused(tmp_path / "missing", "no *.pem files")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no PEM"),
        (b"garbage", "no PEM"),
        (root().certificate, "no PEM"),
        (_pem(root().certificate, b"garbage"), "block 2: not a certificate"),
        (_pem(root().certificate + b"\x00"), "block 1: not a certificate"),
        (pem.armor("X509 CRL", b"\x30\x00"), "block 1 is not a certificate but X509 CRL"),
    ],
)
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "1.pem").write_bytes(_pem(root().certificate))
    (tmp_path / "bad.pem").write_bytes(content)
    _assert_refused(tmp_path, "bad.pem", said)


def test_a_private_key_among_the_anchors_is_not_shown(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "oops.pem").write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path)
    assert "PRIVATE KEY" in caught.value.message
    assert text.splitlines()[1].decode() not in str(caught.value)


def test_a_directory_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.pem").mkdir()
    _assert_refused(tmp_path, "folder.pem")
