"""1,000 random SM2 signatures in each direction, against each of two other programs, and 100 against a third.

"Ours" are signatures that the running appliance made: gRPC, grants, Z and e by the product, r and s by the development
token. "Theirs" are verified by the product's own verification, in this process.

- gmssl-pyx (GmSSL in C, no line shared with OpenSSL): the independent second opinion on Z, e, the curve and DER.
- the `openssl` command line: an independent caller; underneath it is the libcrypto that the product verifies with and
  that the development token signs with, so it says more about Z and DER than about the curve.
- gmssl (pure Python): Z, SM3 and the curve once more, independently.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import gmssl_pyx
import pytest
from gmssl import sm2 as pure_sm2

from signer.algorithms import PublicKey, SignatureAlgorithm, load_public_key, sm2
from signer.client import Connection
from signer.errors import VerificationError
from signer.v1 import signing_pb2 as wire
from tests.conformance.sm2_reference import N

COUNT = 1_000
SM2 = SignatureAlgorithm.SM2_SM3
_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


@dataclass(frozen=True)
class Signed:
    """A message, the ID for Z, and a DER signature."""

    message: bytes
    identity: bytes
    signature: bytes


def _messages(seed: int, count: int = COUNT) -> list[tuple[bytes, bytes]]:
    """Messages of 0 to 300 bytes with IDs: three in four the default one."""
    chance = random.Random(seed)
    return [
        (
            chance.randbytes(chance.randrange(301)),
            chance.randbytes(chance.randrange(1, 60)) if chance.random() < 0.25 else sm2.DEFAULT_ID,
        )
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def own_key(connection: Connection) -> bytes:
    """SubjectPublicKeyInfo of the appliance's key message-sm2."""
    return next(key.public_key for key in connection.list_keys() if key.key.startswith("message-sm2@"))


@pytest.fixture(scope="module")
def ours(connection: Connection) -> list[Signed]:
    """1,000 signatures by the appliance."""
    messages = _messages(seed=1)
    requests = [
        wire.SignRequest(key="message-sm2", message=message, sm2_id=None if identity == sm2.DEFAULT_ID else identity)
        for message, identity in messages
    ]
    answer = connection.call(connection.signing.SignBatch, wire.SignBatchRequest(requests=requests), timeout=120)
    assert all(result.HasField("response") for result in answer.results)
    return [
        Signed(message, identity, result.response.signature)
        for (message, identity), result in zip(messages, answer.results, strict=True)
    ]


def _accepts(key: PublicKey, signed: Signed) -> bool:
    try:
        key.verify(SM2, signed.message, signed.signature, sm2_id=signed.identity)
    except VerificationError:
        return False
    return True


def _in_pairs(work: Callable[[int], bool], count: int = COUNT) -> int:
    """How often the work succeeds: two at a time, each waits for a process of its own."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(work, range(count)))


def test_gmssl_pyx_accepts_ours(own_key: bytes, ours: list[Signed]) -> None:
    point = own_key[-64:]
    assert all(gmssl_pyx.sm2_verify(point, item.message, item.signature, item.identity) for item in ours)
    # and tells a changed message, so that "accepts" means something
    assert not any(gmssl_pyx.sm2_verify(point, item.message + b"\x00", item.signature) for item in ours[:20])


def test_ours_accepts_gmssl_pyx() -> None:
    _accept_gmssl_pyx(_messages(seed=2))


@pytest.mark.soak
def test_ours_accepts_gmssl_pyx_at_length() -> None:
    _accept_gmssl_pyx(_messages(seed=random.SystemRandom().getrandbits(64), count=50 * COUNT))


def _accept_gmssl_pyx(messages: list[tuple[bytes, bytes]]) -> None:
    for number, (message, identity) in enumerate(messages):
        if number % 20 == 0:
            point, private = gmssl_pyx.sm2_key_generate()
            key = load_public_key(_SPKI_PREFIX + point)
        signature = bytes(gmssl_pyx.sm2_sign(private, point, message, identity))
        assert _accepts(key, Signed(message, identity, signature))
        assert not _accepts(key, Signed(message + b"\x00", identity, signature))
        assert sm2.encode_signature(sm2.decode_signature(signature)) == signature


def test_openssl_accepts_ours(own_key: bytes, ours: list[Signed], tmp_path: Path) -> None:
    public = tmp_path / "public.der"
    public.write_bytes(own_key)

    def accepted(number: int) -> bool:
        item = ours[number]
        message, signature = tmp_path / f"{number}.m", tmp_path / f"{number}.s"
        message.write_bytes(item.message)
        signature.write_bytes(item.signature)
        command = ("-verify", "-pubin", "-inkey", str(public), "-keyform", "DER", "-sigfile", str(signature))
        return _pkeyutl(*command, message=message, identity=item.identity).returncode == 0

    assert _in_pairs(accepted) == COUNT


def test_ours_accepts_openssl(tmp_path: Path) -> None:
    private = tmp_path / "private.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "SM2", "-out", private], check=True, capture_output=True)
    exported = subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout", "-outform", "DER"], check=True, capture_output=True
    )
    key = load_public_key(exported.stdout)
    messages = _messages(seed=3)

    def accepted(number: int) -> bool:
        content, identity = messages[number]
        message = tmp_path / f"{number}.m"
        message.write_bytes(content)
        made = _pkeyutl("-sign", "-inkey", str(private), message=message, identity=identity)
        return made.returncode == 0 and _accepts(key, Signed(content, identity, made.stdout))

    assert _in_pairs(accepted) == COUNT


def _pkeyutl(*command: str, message: Path, identity: bytes) -> subprocess.CompletedProcess[bytes]:
    options = ("-rawin", "-digest", "sm3", "-pkeyopt", f"hexdistid:{identity.hex()}", "-in", str(message))
    return subprocess.run(["openssl", "pkeyutl", *command, *options], capture_output=True, check=False)


def _pure(private: str, point: bytes) -> pure_sm2.CryptSM2:
    crypt = pure_sm2.CryptSM2(private_key=private, public_key="")
    crypt.public_key = point.hex()  # its constructor strips every leading 0 and 4 of a key that begins with 04
    return crypt


def test_pure_python_gmssl_accepts_ours(own_key: bytes, ours: list[Signed]) -> None:
    crypt = _pure("", own_key[-64:])
    default = [item for item in ours if item.identity == sm2.DEFAULT_ID and item.message][:100]
    assert len(default) == 100
    assert all(crypt.verify_with_sm3(sm2.decode_signature(item.signature).hex(), item.message) for item in default)


def test_ours_accepts_pure_python_gmssl() -> None:
    chance = random.Random(4)
    point, private = gmssl_pyx.sm2_key_generate()
    key, crypt = load_public_key(_SPKI_PREFIX + point), _pure(private.hex(), point)
    for _ in range(100):
        message = chance.randbytes(chance.randrange(1, 200))
        raw = bytes.fromhex(crypt.sign_with_sm3(message, f"{chance.randrange(1, N):064x}"))
        assert _accepts(key, Signed(message, sm2.DEFAULT_ID, sm2.encode_signature(raw)))
