"""RSA: signatures of `cryptography` and of the `openssl` command line, every algorithm and size; and what must not pass."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import digest_name, load_public_key
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode

MESSAGE = "机动车商业保险保单 RSA".encode()
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
ALL = [algorithm for algorithm in Algorithm if algorithm.name.startswith("RSA")]
EVERY = pytest.mark.parametrize("algorithm", ALL, ids=[algorithm.name for algorithm in ALL])


def private_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """The one key of that form for the whole file: key generation is what costs."""
    return _generated(bits, exponent)


@cache
def _generated(bits: int, exponent: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


def spki(key: rsa.RSAPrivateKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _scheme(algorithm: Algorithm, salt: int | None = None) -> padding.AsymmetricPadding:
    digest = HASHES[digest_name(algorithm)]
    if "PSS" in algorithm.name:
        return padding.PSS(padding.MGF1(digest), digest.digest_size if salt is None else salt)
    return padding.PKCS1v15()


def _sign(key: rsa.RSAPrivateKey, algorithm: Algorithm, message: bytes = MESSAGE) -> bytes:
    return key.sign(message, _scheme(algorithm), HASHES[digest_name(algorithm)])


def _finding(algorithm: Algorithm, signature: bytes, *, bits: int = 2048, message: bytes = MESSAGE) -> str:
    with pytest.raises(VerificationError) as caught:
        load_public_key(spki(private_key(bits))).verify(algorithm, message, signature)
    assert caught.value.reason is Reason.SIGNATURE_WRONG
    return caught.value.finding_code


@EVERY
@pytest.mark.parametrize("bits", [2048, 2056, 3072, 4096])
def test_signatures_by_cryptography(algorithm: Algorithm, bits: int) -> None:
    key = load_public_key(spki(private_key(bits)))
    assert key.bits == bits
    signature = _sign(private_key(bits), algorithm)
    assert key.verify(algorithm, MESSAGE, signature).algorithm is algorithm
    digest = hashlib.new(digest_name(algorithm), MESSAGE).digest()
    assert key.verify_digest(algorithm, digest, signature).public_key == key.spki


@EVERY
def test_signatures_by_openssl(algorithm: Algorithm, tmp_path: Path) -> None:
    private, message = tmp_path / "key.pem", tmp_path / "message"
    private.write_bytes(private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    message.write_bytes(MESSAGE)
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest") if "PSS" in algorithm.name else ()
    command = ("openssl", "dgst", f"-{digest_name(algorithm)}", *pss, "-sign", private, message)
    signature = subprocess.run(command, check=True, capture_output=True).stdout
    load_public_key(spki(private_key())).verify(algorithm, MESSAGE, signature)


def test_the_helper_below_finds_nothing_wrong_with_a_right_signature() -> None:
    """So that what it finds elsewhere is what was changed."""
    with pytest.raises(pytest.fail.Exception):
        _finding(Algorithm.RSA_PSS_SHA256, _sign(private_key(), Algorithm.RSA_PSS_SHA256))


@EVERY
def test_every_other_algorithm_message_and_key_is_wrong(algorithm: Algorithm) -> None:
    signature = _sign(private_key(), algorithm)
    for other in ALL:
        if other is not algorithm:
            assert _finding(other, signature) == FindingCode.SIGNATURE_WRONG
    assert _finding(algorithm, signature, message=MESSAGE + b".") == FindingCode.SIGNATURE_WRONG
    assert _finding(algorithm, _sign(private_key(exponent=3), algorithm)) == FindingCode.SIGNATURE_WRONG


@EVERY
def test_signatures_of_another_length_are_malformed(algorithm: Algorithm) -> None:
    right = _sign(private_key(), algorithm)
    for signature in (b"", right[:-1], right + b"\x00", b"\x00" + right, right * 2):
        assert _finding(algorithm, signature) == FindingCode.SIGNATURE_MALFORMED


@EVERY
def test_numbers_beyond_the_modulus_are_wrong(algorithm: Algorithm) -> None:
    number = int.from_bytes(_sign(private_key(), algorithm), "big")
    modulus = private_key().public_key().public_numbers().n
    for value in (0, 1, modulus - 1, modulus, (1 << 2048) - 1):
        assert _finding(algorithm, value.to_bytes(256, "big")) == FindingCode.SIGNATURE_WRONG
    if number + modulus < 1 << 2048:
        assert _finding(algorithm, (number + modulus).to_bytes(256, "big")) == FindingCode.SIGNATURE_WRONG


@pytest.mark.parametrize("salt", [0, 20, 31, 33, 64])
def test_pss_with_another_salt_length_is_wrong(salt: int) -> None:
    signature = private_key().sign(MESSAGE, _scheme(Algorithm.RSA_PSS_SHA256, salt), hashes.SHA256())
    assert _finding(Algorithm.RSA_PSS_SHA256, signature) == FindingCode.SIGNATURE_WRONG


def test_pss_with_another_mask_digest_is_wrong() -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA1()), 32)
    signature = private_key().sign(MESSAGE, scheme, hashes.SHA256())
    assert _finding(Algorithm.RSA_PSS_SHA256, signature) == FindingCode.SIGNATURE_WRONG


def _raw(encoded: bytes) -> bytes:
    """RSA with the private key over any encoded message: what a forger without a library would make."""
    numbers = private_key().private_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def test_pkcs1_encodings_that_a_lax_parser_would_take() -> None:
    digest = hashlib.sha256(MESSAGE).digest()
    with_null = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    without_null = bytes.fromhex("302f300b0609608648016503040201" + "0420") + digest

    def encoded(info: bytes, *, padding_byte: bytes = b"\xff", behind: bytes = b"", kind: int = 1) -> bytes:
        fill = 256 - 3 - len(info) - len(behind)
        return bytes((0, kind)) + padding_byte * fill + b"\x00" + info + behind

    load_public_key(spki(private_key())).verify(Algorithm.RSA_PKCS1_SHA256, MESSAGE, _raw(encoded(with_null)))
    for forged in (
        encoded(without_null),
        encoded(with_null, behind=b"junk"),
        encoded(with_null, padding_byte=b"\xfe"),
        encoded(with_null, kind=2),
        encoded(digest),
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + with_null + bytes(256 - 11 - len(with_null)),
    ):
        assert _finding(Algorithm.RSA_PKCS1_SHA256, _raw(forged)) == FindingCode.SIGNATURE_WRONG


def test_a_small_key_verifies_or_is_told_wrong_but_never_breaks() -> None:
    """1,024 bits are too small for PSS with SHA-512: the encoding does not fit."""
    assert _finding(Algorithm.RSA_PSS_SHA512, bytes(128), bits=1024) == FindingCode.SIGNATURE_WRONG
    load_public_key(spki(private_key(1024))).verify(
        Algorithm.RSA_PKCS1_SHA512, MESSAGE, _sign(private_key(1024), Algorithm.RSA_PKCS1_SHA512)
    )


def test_digests_of_another_length_are_the_callers_fault() -> None:
    key = load_public_key(spki(private_key()))
    for digest in (b"", bytes(31), bytes(33), bytes(64)):
        with pytest.raises(RequestError) as caught:
            key.verify_digest(Algorithm.RSA_PKCS1_SHA256, digest, bytes(256))
        assert caught.value.reason is Reason.DIGEST_LENGTH


@pytest.mark.parametrize("algorithm", [Algorithm.SM2_SM3, Algorithm.UNSPECIFIED])
def test_algorithms_of_other_keys_are_refused(algorithm: Algorithm) -> None:
    with pytest.raises(RequestError) as caught:
        load_public_key(spki(private_key())).verify(algorithm, MESSAGE, bytes(256))
    assert caught.value.reason is Reason.ALGORITHM_NOT_ALLOWED


def test_sm2_id_has_no_meaning_with_rsa() -> None:
    with pytest.raises(RequestError) as caught:
        load_public_key(spki(private_key())).digest_of(Algorithm.RSA_PKCS1_SHA256, MESSAGE, sm2_id=b"x")
    assert caught.value.reason is Reason.SM2_ID_INVALID
