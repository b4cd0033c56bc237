"""SigningService over real gRPC, mutual TLS and C_Sign; results judged by libraries that had no part in making them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signer.client import Connection
from signer.v1 import signing_pb2 as wire
from signer.v1 import types_pb2 as types

_MESSAGE = "报文 message".encode()
_PSS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def _key(connection: Connection, name: str) -> wire.KeyInfo:
    return next(key for key in connection.list_keys() if key.key == f"{name}@1")


def _sign(connection: Connection, request: wire.SignRequest) -> wire.SignResponse:
    return connection.call(connection.signing.Sign, request)


def test_keys_are_listed_with_purpose_chain_and_state(connection: Connection) -> None:
    keys = {key.key: key for key in connection.list_keys()}
    assert {name: key.purpose for name, key in keys.items()} == {
        "message-rsa@1": "message",
        "message-sm2@1": "message",
        "seal-rsa@1": "seal",
        "seal-sm2@1": "seal",
        "timestamp-rsa@1": "timestamp",
        "timestamp-sm2@1": "timestamp",
    }
    assert all(key.state == "active" and len(key.certificate_chain) == 2 for key in keys.values())
    assert keys["seal-sm2@1"].algorithms == [types.SIGNATURE_ALGORITHM_SM2_SM3]


def test_keys_come_in_pages(connection: Connection) -> None:
    first = connection.call(connection.signing.ListKeys, wire.ListKeysRequest(page_size=3))
    rest = connection.call(
        connection.signing.ListKeys, wire.ListKeysRequest(page_size=3, page_token=first.next_page_token)
    )
    assert [len(first.keys), len(rest.keys), rest.next_page_token] == [3, 3, ""]


def test_sm2_signature_is_right_for_gmssl(connection: Connection) -> None:
    signed = _sign(connection, wire.SignRequest(key="message-sm2", message=_MESSAGE, reference="r1"))
    point = _key(connection, "message-sm2").public_key[-64:]
    assert gmssl_pyx.sm2_verify(point, _MESSAGE, signed.signature)
    assert not gmssl_pyx.sm2_verify(point, _MESSAGE + b".", signed.signature)
    assert (signed.key, signed.reference) == ("message-sm2@1", "r1")
    assert signed.certificate == _key(connection, "message-sm2").certificate_chain[0]


def test_sm2_signature_with_an_own_id_is_right_for_openssl(connection: Connection, tmp_path: Path) -> None:
    request = wire.SignRequest(key="message-sm2", message=_MESSAGE, sm2_id=b"ALICE123@YAHOO.COM")
    (tmp_path / "sig").write_bytes(_sign(connection, request).signature)
    (tmp_path / "message").write_bytes(_MESSAGE)
    (tmp_path / "key.der").write_bytes(_key(connection, "message-sm2").public_key)
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -digest sm3 -in message -sigfile sig"

    def verified(identity: str) -> bool:
        options = [*command.split(), "-pkeyopt", f"distid:{identity}"]
        return subprocess.run(options, cwd=tmp_path, check=False, capture_output=True).returncode == 0

    assert verified("ALICE123@YAHOO.COM")
    assert not verified("1234567812345678")


@pytest.mark.parametrize("bits", ["256", "384", "512"])
@pytest.mark.parametrize("scheme", ["PKCS1", "PSS"])
def test_rsa_signature_is_right_for_cryptography(connection: Connection, scheme: str, bits: str) -> None:
    algorithm = types.SignatureAlgorithm.Value(f"SIGNATURE_ALGORITHM_RSA_{scheme}_SHA{bits}")
    signed = _sign(connection, wire.SignRequest(key="message-rsa", algorithm=algorithm, message=_MESSAGE))
    key = load_der_public_key(_key(connection, "message-rsa").public_key)
    assert isinstance(key, rsa.RSAPublicKey)
    digest = _PSS[bits]
    how = padding.PKCS1v15() if scheme == "PKCS1" else padding.PSS(padding.MGF1(digest), digest.digest_size)
    key.verify(signed.signature, _MESSAGE, how, digest)


def test_every_signature_has_a_receipt_with_its_entry(connection: Connection) -> None:
    receipts = [_sign(connection, wire.SignRequest(key="message-sm2", message=_MESSAGE)).receipt for _ in range(3)]
    assert [receipt.index for receipt in receipts] == sorted({receipt.index for receipt in receipts})
    assert all(b'"kind":"signature"' in receipt.entry for receipt in receipts)
    assert all(b'"key":"message-sm2@1"' in receipt.entry for receipt in receipts)
    assert not any(_MESSAGE in receipt.entry for receipt in receipts)


def test_batch_answers_in_order_and_a_bad_item_fails_alone(connection: Connection) -> None:
    requests = [wire.SignRequest(key="message-sm2", message=bytes([n]), reference=str(n)) for n in range(20)]
    requests[7] = wire.SignRequest(key="message-sm2", reference="7")
    requests[9] = wire.SignRequest(key="message-sm2", digest=b"short", reference="9")
    answer = connection.call(connection.signing.SignBatch, wire.SignBatchRequest(requests=requests))
    point = _key(connection, "message-sm2").public_key[-64:]
    for number, result in enumerate(answer.results):
        if number in {7, 9}:
            assert result.error.code == 3  # INVALID_ARGUMENT
            continue
        assert result.response.reference == str(number)
        assert gmssl_pyx.sm2_verify(point, bytes([number]), result.response.signature)


def test_verdicts(connection: Connection) -> None:
    signed = _sign(connection, wire.SignRequest(key="message-sm2", message=_MESSAGE))
    info = _key(connection, "message-sm2")

    def verify(**given: object) -> wire.VerifyResponse:
        values: dict[str, object] = {"message": _MESSAGE, "signature": signed.signature, **given}
        request = wire.VerifyRequest(algorithm=types.SIGNATURE_ALGORITHM_SM2_SM3, **values)  # type: ignore[arg-type]  # any subset
        return connection.call(connection.signing.Verify, request)

    assert verify(key="message-sm2").verdict == types.VERDICT_PASSED
    assert verify(key="message-sm2@1").verdict == types.VERDICT_PASSED
    by_certificate = verify(certificate=signed.certificate)
    assert by_certificate.verdict == types.VERDICT_PASSED
    assert [item.code for item in by_certificate.findings] == ["revocation-not-checked"]
    by_public_key = verify(public_key=info.public_key)
    assert by_public_key.verdict == types.VERDICT_INDETERMINATE
    assert [item.code for item in by_public_key.findings] == ["public-key-only"]
    assert verify(key="message-sm2", message=b"other").verdict == types.VERDICT_FAILED
    assert verify(key="message-sm2", sm2_id=b"other").verdict == types.VERDICT_FAILED
    malformed = verify(key="message-sm2", signature=signed.signature + b"\x00")
    assert malformed.verdict == types.VERDICT_FAILED
    assert [item.code for item in malformed.findings] == ["signature-malformed"]


def test_verification_of_a_batch(connection: Connection) -> None:
    signed = _sign(connection, wire.SignRequest(key="message-rsa", message=_MESSAGE))
    good = wire.VerifyRequest(
        key="message-rsa", algorithm=signed.algorithm, message=_MESSAGE, signature=signed.signature
    )
    wrong = wire.VerifyRequest(key="message-rsa", algorithm=signed.algorithm, message=b"x", signature=signed.signature)
    senseless = wire.VerifyRequest(key="message-rsa", message=b"x", signature=signed.signature)
    answer = connection.call(connection.signing.VerifyBatch, wire.VerifyBatchRequest(requests=[good, wrong, senseless]))
    assert answer.results[0].response.verdict == types.VERDICT_PASSED
    assert answer.results[1].response.verdict == types.VERDICT_FAILED
    assert answer.results[2].error.code == 3  # INVALID_ARGUMENT


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("key", ["message-sm2", "message-rsa"])
def test_cms_is_signed_and_verified(connection: Connection, key: str, detached: bool) -> None:
    signed = connection.call(
        connection.signing.SignMessage,
        wire.SignMessageRequest(key=key, content=_MESSAGE, detached=detached, include_chain=True),
    )
    request = wire.VerifyMessageRequest(cms=signed.cms, content=_MESSAGE if detached else b"")
    answer = connection.call(connection.signing.VerifyMessage, request)
    assert answer.verdict == types.VERDICT_PASSED
    assert answer.content == _MESSAGE
    assert answer.signer_certificate == _key(connection, key).certificate_chain[0]


def test_cms_over_changed_content_fails_and_gives_no_content(connection: Connection) -> None:
    signed = connection.call(
        connection.signing.SignMessage, wire.SignMessageRequest(key="message-sm2", content=_MESSAGE, detached=True)
    )
    answer = connection.call(
        connection.signing.VerifyMessage, wire.VerifyMessageRequest(cms=signed.cms, content=b"other")
    )
    assert answer.verdict == types.VERDICT_FAILED
    assert [item.code for item in answer.findings] == ["content-modified"]
    assert answer.content == b""


def test_rsa_cms_is_right_for_openssl(connection: Connection, tmp_path: Path) -> None:
    signed = connection.call(
        connection.signing.SignMessage,
        wire.SignMessageRequest(key="message-rsa", content=_MESSAGE, detached=True, include_chain=True),
    )
    chain = _key(connection, "message-rsa").certificate_chain
    (tmp_path / "root.der").write_bytes(chain[1])
    (tmp_path / "signed.p7s").write_bytes(signed.cms)
    (tmp_path / "content").write_bytes(_MESSAGE)
    subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", "root.der", "-out", "root.pem"], cwd=tmp_path, check=True
    )
    command = "openssl cms -verify -binary -inform DER -in signed.p7s -content content -CAfile root.pem -purpose any"
    result = subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == _MESSAGE
