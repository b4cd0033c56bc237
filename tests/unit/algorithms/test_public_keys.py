"""Public keys: which are taken, which refused; that they are remembered; that threads may share one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import gmssl_pyx
import pytest
from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signer.algorithms import (
    KeyType,
    SignatureAlgorithm,
    check_digest_length,
    content_digest,
    digest_name,
    key_type,
    libcrypto,
    load_path_key,
    load_public_key,
    verify_x509_signature,
)
from signer.errors import Reason, RequestError, VerificationError
from signer.findings import FindingCode
from signer.v1 import types_pb2

SM2 = SignatureAlgorithm.SM2_SM3
_SM2_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
_RSA = rsa.generate_private_key(65537, 2048).public_key()


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _rsa_spki(modulus: int, exponent: int) -> bytes:
    key = asn1_keys.RSAPublicKey({"modulus": modulus, "public_exponent": exponent})
    encoded: bytes = asn1_keys.PublicKeyInfo({"algorithm": {"algorithm": "rsa"}, "public_key": key}).dump()
    return encoded


def _new_sm2() -> tuple[bytes, bytes]:
    """SubjectPublicKeyInfo and the private key."""
    point, private = gmssl_pyx.sm2_key_generate()
    return _SM2_PREFIX + point, private


def _assert_malformed(spki: bytes) -> None:
    for load in (load_public_key, load_path_key):
        with pytest.raises(RequestError) as caught:
            load(spki)
        assert caught.value.reason is Reason.PUBLIC_KEY_MALFORMED


def test_algorithms_have_the_numbers_of_the_contract() -> None:
    contract = {
        name.removeprefix("SIGNATURE_ALGORITHM_"): number for name, number in types_pb2.SignatureAlgorithm.items()
    }
    assert {algorithm.name: algorithm.value for algorithm in SignatureAlgorithm} == contract


def test_every_algorithm_has_a_digest_and_a_kind_of_key() -> None:
    for algorithm in set(SignatureAlgorithm) - {SignatureAlgorithm.UNSPECIFIED}:
        check_digest_length(algorithm, content_digest(algorithm, b"content"))
        assert key_type(algorithm) is (KeyType.SM2 if algorithm is SM2 else KeyType.RSA)
    with pytest.raises(RequestError) as caught:
        digest_name(SignatureAlgorithm.UNSPECIFIED)
    assert caught.value.reason is Reason.ALGORITHM_UNKNOWN


@pytest.mark.parametrize("algorithm", [SM2, SignatureAlgorithm.RSA_PSS_SHA384])
@pytest.mark.parametrize("length", [0, 20, 31, 33, 47, 49, 64])
def test_digests_of_another_length_are_refused(algorithm: SignatureAlgorithm, length: int) -> None:
    with pytest.raises(RequestError) as caught:
        check_digest_length(algorithm, bytes(length))
    assert caught.value.reason is Reason.DIGEST_LENGTH


def test_keys_are_remembered_and_faults_are_not() -> None:
    spki, _ = _new_sm2()
    assert load_public_key(spki) is load_public_key(bytes(bytearray(spki)))
    assert load_path_key(spki).key_type is KeyType.SM2
    _assert_malformed(spki[:-1])
    _assert_malformed(spki[:-1])


def test_p256_keys_follow_paths_but_are_none_of_the_api() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    spki = _spki(key.public_key())
    with pytest.raises(RequestError):
        load_public_key(spki)
    path_key = load_path_key(spki)
    assert (path_key.key_type, path_key.bits, path_key.spki) == (KeyType.P256, 256, spki)
    for digest, oid in ((hashes.SHA256(), "1.2.840.10045.4.3.2"), (hashes.SHA384(), "1.2.840.10045.4.3.3")):
        signature = key.sign(b"tbs", ec.ECDSA(digest))
        verify_x509_signature(oid, path_key, b"tbs", signature)
        for message, wrong in ((b"other", signature), (b"tbs", b"garbage"), (b"tbs", b"")):
            with pytest.raises(VerificationError) as caught:
                verify_x509_signature(oid, path_key, message, wrong)
            assert caught.value.finding_code == FindingCode.SIGNATURE_WRONG


def test_kinds_of_keys_that_nobody_here_uses() -> None:
    for key in (
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        dsa.generate_private_key(1024).public_key(),
    ):
        _assert_malformed(_spki(key))


def test_rsa_keys_that_can_not_be_relied_on_to_be_keys() -> None:
    modulus = _RSA.public_numbers().n
    assert load_public_key(_rsa_spki(modulus, 3)).bits == 2048
    for exponent in (0, 1, 2, 4, 65536, (1 << 64) + 1):
        _assert_malformed(_rsa_spki(modulus, exponent))
    for size in (512, 1016, 8200, 16384):
        _assert_malformed(_rsa_spki((1 << size - 1) + 1, 65537))


def test_rsa_keys_in_other_than_der() -> None:
    right = _spki(_RSA)
    assert load_public_key(right).spki == right
    for wrong in (
        right + b"\x00",
        right[:-1],
        b"\x30\x83\x00" + right[2:],
        right.replace(b"\x05\x00", b"", 1),
        b"",
        b"\x30",
        b"\x30\x82",
        bytes(5000),
    ):
        _assert_malformed(wrong)


@pytest.mark.parametrize(
    "oid",
    ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.2", "1.3.14.3.2.29", "1.2.840.10045.4.1"],
)
def test_weak_digests_are_refused_without_a_look(oid: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_x509_signature(oid, load_path_key(_spki(_RSA)), b"tbs", bytes(256))
    assert caught.value.finding_code == FindingCode.CERTIFICATE_WEAK


@pytest.mark.parametrize("oid", ["", "1.2.3", "1.2.156.10197.1.501", "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.10"])
def test_unknown_and_unfitting_signature_algorithms(oid: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_x509_signature(oid, load_path_key(_spki(_RSA)), b"tbs", bytes(256))
    assert caught.value.finding_code == FindingCode.CERTIFICATE_PATH_INVALID


def test_threads_share_a_key() -> None:
    """Right and wrong signatures side by side: no answer strays into another thread."""
    spki, private = _new_sm2()
    key = load_public_key(spki)
    right = bytes(gmssl_pyx.sm2_sign(private, spki[-64:], b"message"))

    def judge(number: int) -> bool:
        try:
            key.verify(SM2, b"message" if number % 2 else b"another", right)
        except VerificationError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(judge, range(1_000)))
    assert answers == [bool(number % 2) for number in range(1_000)]


@pytest.mark.parametrize("signature", [b"", b"\x30\x00", b"garbage", bytes.fromhex("3006020100020100"), bytes(72)])
def test_errors_of_libcrypto_are_no_success(signature: bytes) -> None:
    """It returns negative numbers for these; the strict decoder before it never lets them come so far."""
    spki, _ = _new_sm2()
    key = libcrypto.load_public_key(spki)
    assert key is not None
    assert not libcrypto.verify_prehashed(key, bytes(32), signature)
    assert not libcrypto.verify_prehashed(key, b"", signature)


def test_libcrypto_says_which_it_is() -> None:
    assert libcrypto.version().startswith("OpenSSL 3.")
