"""The Pkcs11Token on a real token: results judged by other libraries, threads and processes at once, limits, key sizes.

Threat: T12.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from importlib.resources import files
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, ObjectClass

from hsm.errors import HsmError, HsmKeyError, HsmRequestError, Reason
from hsm.keys import KeyHandle, RsaKeySpec, Sm2KeySpec
from hsm.mechanisms import DATA_BYTES, Mechanism
from hsm.token import Pkcs11Token, _private_key
from hsm.token_config import TokenConfig
from hsm.vendor_profile import load_profile
from signer.algorithms import SignatureAlgorithm, load_public_key, sm2

_SM2_ID, _RSA_ID = b"\x01", b"\x02"  # made by the fixture


def test_it_says_that_it_is_for_development(token: Pkcs11Token) -> None:
    information = token.information()
    assert (information.label, information.model, information.is_development) == ("tests", "SM2 DEVELOPMENT", True)


def test_sm2_over_e_is_right_for_gmssl(token: Pkcs11Token) -> None:
    handle = token.open_key(_SM2_ID)
    spki = token.public_key(handle)
    for number in range(50):
        message = f"message {number}".encode()
        e = load_public_key(spki).digest_of(SignatureAlgorithm.SM2_SM3, message)
        raw = token.sign(handle, Mechanism.SM2, e, timeout=5)
        assert len(raw) == 64
        assert gmssl_pyx.sm2_verify(spki[-64:], message, sm2.encode_signature(raw))


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_rsa_of_every_size_and_scheme_is_right_for_cryptography(token: Pkcs11Token, bits: int) -> None:
    key_id = bits.to_bytes(2, "big")
    spki = token.generate_key_pair(key_id, f"rsa{bits}", RsaKeySpec(bits), timeout=100)
    key = load_der_public_key(spki)
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == bits
    handle = token.open_key(key_id)
    for name, digest in (("sha256", hashes.SHA256()), ("sha384", hashes.SHA384()), ("sha512", hashes.SHA512())):
        data = hashlib.new(name, b"message").digest()
        v15 = token.sign(handle, Mechanism[f"RSA_PKCS1_{name.upper()}"], data, timeout=5)
        key.verify(v15, data, padding.PKCS1v15(), Prehashed(digest))
        pss = token.sign(handle, Mechanism[f"RSA_PSS_{name.upper()}"], data, timeout=5)
        key.verify(pss, data, padding.PSS(padding.MGF1(digest), digest.digest_size), Prehashed(digest))


@pytest.mark.parametrize("bits", [1024, 2047, 4104, 8192])
def test_other_rsa_sizes_are_refused(bits: int) -> None:
    with pytest.raises(HsmError):
        RsaKeySpec(bits)


def test_a_key_that_is_not_there_is_told(token: Pkcs11Token) -> None:
    with pytest.raises(HsmKeyError) as refused:
        token.open_key(b"nothing")
    assert refused.value.reason is Reason.KEY_MISSING
    with pytest.raises(HsmKeyError):
        token.sign(KeyHandle(b"nothing"), Mechanism.SM2, bytes(32), timeout=5)


def test_a_mechanism_on_the_wrong_key_is_told(token: Pkcs11Token) -> None:
    with pytest.raises(HsmKeyError) as refused:
        token.sign(KeyHandle(_RSA_ID), Mechanism.SM2, bytes(32), timeout=5)
    assert refused.value.ckr == "CKR_KEY_TYPE_INCONSISTENT"
    with pytest.raises(HsmError):
        token.sign(KeyHandle(_SM2_ID), Mechanism.RSA_PKCS1_SHA256, bytes(32), timeout=5)
    with pytest.raises(HsmError):
        token.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31), timeout=5)


@pytest.mark.parametrize(("mechanism", "size"), [(m, n) for m in Mechanism for n in (0, 20, 31, 33, 48, 64, 65)])
def test_data_of_another_length_is_never_signed(token: Pkcs11Token, mechanism: Mechanism, size: int) -> None:
    """A short digest behind a DigestInfo prefix would be a signature that nobody can verify, or another meaning."""
    if size == DATA_BYTES[mechanism]:
        return
    key = _SM2_ID if mechanism is Mechanism.SM2 else _RSA_ID
    with pytest.raises(HsmRequestError):
        token.sign(KeyHandle(key), mechanism, bytes(size), timeout=5)


def test_a_second_key_with_the_same_id_is_refused_and_the_first_goes_on_working(token: Pkcs11Token) -> None:
    for spec in (Sm2KeySpec(), RsaKeySpec(2048)):
        with pytest.raises(HsmRequestError, match="already"):
            token.generate_key_pair(_SM2_ID, "again", spec, timeout=10)
    assert token.public_key(token.open_key(_SM2_ID))
    assert token.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31) + b"\x01", timeout=5)


@pytest.mark.parametrize("key_id", [_SM2_ID, _RSA_ID])
def test_private_keys_sign_and_do_nothing_else(token: Pkcs11Token, key_id: bytes) -> None:
    with token._pool.lease(5) as leased:
        key = _private_key(leased, key_id)
        wanted = {
            Attribute.TOKEN: True,
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.SIGN: True,
            Attribute.SIGN_RECOVER: False,
            Attribute.DECRYPT: False,
            Attribute.UNWRAP: False,
            Attribute.DERIVE: False,
        }
        assert {name: key[name] for name in wanted} == wanted


def test_a_key_that_may_not_sign_is_told_and_costs_nobody_the_connection(token: Pkcs11Token) -> None:
    with token._pool.lease(5) as leased, leased.session.token.open(rw=True) as session:
        session.generate_keypair(
            KeyType.RSA,
            2048,
            store=True,
            public_template={Attribute.ID: b"mute"},
            private_template={Attribute.ID: b"mute", Attribute.SIGN: False, Attribute.DECRYPT: True},
        )
    generation = token._pool._module.generation
    with pytest.raises(HsmKeyError, match="may not sign") as refused:
        token.sign(KeyHandle(b"mute"), Mechanism.RSA_PSS_SHA256, bytes(32), timeout=5)
    assert refused.value.reason is Reason.KEY_UNUSABLE
    assert token._pool._module.generation == generation


def test_a_deleted_key_is_missing_and_costs_nobody_the_connection(token: Pkcs11Token) -> None:
    token.generate_key_pair(b"short-lived", "short-lived", Sm2KeySpec(), timeout=10)
    handle = token.open_key(b"short-lived")
    token.sign(handle, Mechanism.SM2, bytes(31) + b"\x01", timeout=5)
    generation = token._pool._module.generation
    with token._pool.lease(5) as leased, leased.session.token.open(rw=True) as session:
        (key,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: b"short-lived"})
        key.destroy()
    with pytest.raises(HsmKeyError) as refused:
        token.sign(handle, Mechanism.SM2, bytes(31) + b"\x01", timeout=5)
    assert refused.value.reason is Reason.KEY_MISSING
    assert token._pool._module.generation == generation


# python-pkcs11 ends a search in the destructor of its iterator, which complains about the closed session
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_the_token_closed_is_replaced_without_the_caller_noticing(token: Pkcs11Token) -> None:
    generation = token._pool._module.generation
    with token._pool.lease(5) as leased:
        pass
    leased.session.close()  # as an HSM does with idle sessions
    assert token.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31) + b"\x01", timeout=5)
    assert token._pool._module.generation == generation


def test_a_profile_whose_token_returns_der_gives_the_same_form(token: Pkcs11Token, tmp_path: Path) -> None:
    text = (files("hsm") / "profiles" / "softtoken.toml").read_text()
    text = text.replace("0x80008105", "0x80008104").replace('output = "raw"', 'output = "der"\nkey_type = 3')
    (tmp_path / "der.toml").write_text(text)
    other = Pkcs11Token(token._pool, load_profile("der", tmp_path), token._pool.connect())
    spki = other.generate_key_pair(b"der", "der", Sm2KeySpec(), timeout=10)
    for number in range(40):
        message = str(number).encode()
        e = load_public_key(spki).digest_of(SignatureAlgorithm.SM2_SM3, message)
        raw = other.sign(KeyHandle(b"der"), Mechanism.SM2, e, timeout=5)
        assert len(raw) == 64
        assert gmssl_pyx.sm2_verify(spki[-64:], message, sm2.encode_signature(raw))


def test_a_profile_that_names_the_wrong_form_is_told(token: Pkcs11Token, tmp_path: Path) -> None:
    text = (files("hsm") / "profiles" / "softtoken.toml").read_text()
    for old, new in (("0x80008105", "0x80008104"), ('output = "raw"', 'output = "der"')):
        (tmp_path / "wrong.toml").write_text(text.replace(old, new))
        other = Pkcs11Token(token._pool, load_profile("wrong", tmp_path), token._pool.connect())
        with pytest.raises(HsmError) as refused:
            other.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31) + b"\x01", timeout=5)
        assert refused.value.reason is Reason.RESULT_MALFORMED


def test_when_all_sessions_are_leased_the_wait_ends_in_time(token: Pkcs11Token) -> None:
    leases = [token._pool.lease(1) for _ in range(4)]
    for lease in leases:
        lease.__enter__()
    with pytest.raises(HsmError) as refused:  # a session never comes free here: that it ends at all is the proof
        token.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31) + b"\x01", timeout=0.2)
    assert refused.value.reason is Reason.BUSY
    for lease in leases:
        lease.__exit__(None, None, None)
    assert token.sign(KeyHandle(_SM2_ID), Mechanism.SM2, bytes(31) + b"\x01", timeout=5)


_PROCESS = """
import pickle, sys
from tests.integration.hsm.test_token import hammer
sys.exit(hammer(pickle.loads(bytes.fromhex(sys.argv[1])), float(sys.argv[2])))
"""


def hammer(config: TokenConfig, seconds: float) -> int:
    """Eight threads that sign with both keys and verify every result; returns the number of errors."""
    token = Pkcs11Token.from_config(config)
    keys = {
        mechanism: KeyHandle(key) for mechanism, key in ((Mechanism.SM2, _SM2_ID), (Mechanism.RSA_PSS_SHA256, _RSA_ID))
    }
    public = {mechanism: load_public_key(token.public_key(handle)) for mechanism, handle in keys.items()}
    until = time.monotonic() + seconds
    errors: list[Exception] = []
    done = [0]

    def work() -> None:
        while time.monotonic() < until:
            try:
                for mechanism, algorithm in (
                    (Mechanism.SM2, SignatureAlgorithm.SM2_SM3),
                    (Mechanism.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PSS_SHA256),
                ):
                    digest = os.urandom(32)
                    raw = token.sign(keys[mechanism], mechanism, digest, timeout=10)
                    signature = sm2.encode_signature(raw) if mechanism is Mechanism.SM2 else raw
                    public[mechanism].verify_digest(algorithm, digest, signature)
                    done[0] += 1
            except Exception as problem:  # noqa: BLE001 - any error at all is what this looks for
                errors.append(problem)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for problem in errors[:3]:
        print(repr(problem), file=sys.stderr)
    return min(len(errors), 100) if done[0] else 101


def _hammer_in_processes(config: TokenConfig, seconds: float) -> None:
    import pickle

    arguments = [sys.executable, "-c", _PROCESS, pickle.dumps(config).hex(), str(seconds)]
    processes = [subprocess.Popen(arguments) for _ in range(2)]
    assert [process.wait(seconds + 60) for process in processes] == [0, 0]


def test_threads_and_processes_at_once(config: TokenConfig, token: Pkcs11Token) -> None:
    _hammer_in_processes(config, 4)


@pytest.mark.soak
def test_threads_and_processes_for_minutes(config: TokenConfig, token: Pkcs11Token) -> None:
    _hammer_in_processes(config, 180)
