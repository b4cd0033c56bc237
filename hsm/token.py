"""A token as the signer uses it: generate, open, sign, and what it says of itself. The Protocol, and PKCS#11 behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pkcs11 import MGF, Attribute, KeyType, ObjectClass
from pkcs11 import Mechanism as Ckm
from pkcs11.exceptions import PKCS11Error

from hsm import public_key_info
from hsm.errors import HsmError, HsmKeyError, HsmUnavailable, Reason, from_pkcs11
from hsm.keys import KeyHandle, KeySpec, RsaKeySpec, Sm2KeySpec, private_template, public_template
from hsm.mechanisms import Mechanism
from hsm.module import Module, ModuleConfig, vendor_member
from hsm.pin import PinSource
from hsm.session_pool import PooledSession, SessionPool, SessionPoolConfig
from hsm.vendor_profile import Sm2Mechanisms, VendorProfile, load_profile
from monitoring import metrics

T = TypeVar("T")


@dataclass(frozen=True)
class TokenConfig:
    """`profile`: a vendor profile's name. `attempts_directory`: where marks of PIN attempts are kept, shared by all processes."""

    module: ModuleConfig
    profile: str
    label: str
    pin: PinSource
    sessions: int
    attempts_directory: Path


@dataclass(frozen=True)
class TokenInformation:
    """From CK_TOKEN_INFO. `is_development`: marked as a development token; production refuses it."""

    label: str
    manufacturer: str
    model: str
    serial: str
    is_development: bool


class Token(Protocol):
    """What the signer needs of an HSM. All methods may be called by any number of threads; `timeout` is in seconds."""

    def generate_key_pair(self, key_id: bytes, label: str, spec: KeySpec, *, timeout: float) -> bytes:
        """Makes a key pair that never leaves the token; returns SubjectPublicKeyInfo, DER. Raises HsmError."""
        ...

    def open_key(self, key_id: bytes) -> KeyHandle:
        """A handle for the private key with that CKA_ID. Raises HsmKeyError (KEY_MISSING), HsmError."""
        ...

    def public_key(self, handle: KeyHandle) -> bytes:
        """SubjectPublicKeyInfo, DER. Raises HsmKeyError, HsmError."""
        ...

    def sign(self, handle: KeyHandle, mechanism: Mechanism, data: bytes, *, timeout: float) -> bytes:
        """Signs a digest (RSA) or e (SM2, 32 bytes; the result is r ‖ s, 64 bytes). Raises HsmError."""
        ...

    def information(self) -> TokenInformation:
        """What the token says of itself."""
        ...


class Pkcs11Token:
    """A token behind a PKCS#11 module."""

    def __init__(self, pool: SessionPool, profile: VendorProfile, token: Any) -> None:
        self._pool = pool
        self._profile = profile
        self._information = _information(token, profile)
        self._calls: dict[Mechanism, tuple[Any, Any]] = dict(_RSA_CALLS)
        if profile.sm2 is not None:
            self._calls[Mechanism.SM2] = (vendor_member(Ckm, "VENDOR_SM2", profile.sm2.sign), None)

    @classmethod
    def from_config(cls, config: TokenConfig) -> Pkcs11Token:
        """Loads the module, finds the token, logs in.

        Raises:
            HsmError: CONFIGURATION, UNAVAILABLE, and all about the PIN.
        """
        profile = load_profile(config.profile)
        module = Module.load(config.module)
        pool = SessionPool(
            module, SessionPoolConfig(config.label, config.pin, config.sessions, config.attempts_directory)
        )
        return cls(pool, profile, pool.connect())

    def information(self) -> TokenInformation:
        """See `Token`."""
        return self._information

    def generate_key_pair(self, key_id: bytes, label: str, spec: KeySpec, *, timeout: float) -> bytes:
        """See `Token`."""
        with self._pool.lease(timeout) as leased:
            self._measured("generate", lambda: self._generate(leased.session, key_id, label, spec))
        return self.public_key(KeyHandle(key_id))

    def open_key(self, key_id: bytes) -> KeyHandle:
        """See `Token`."""
        with self._pool.lease(10.0) as leased:
            self._measured("find", lambda: _private_key(leased, key_id))
        return KeyHandle(key_id)

    def public_key(self, handle: KeyHandle) -> bytes:
        """See `Token`."""
        with self._pool.lease(10.0) as leased:
            return self._measured("find", lambda: _read_public_key(leased.session, handle.key_id))

    def sign(self, handle: KeyHandle, mechanism: Mechanism, data: bytes, *, timeout: float) -> bytes:
        """See `Token`."""
        call = self._calls.get(mechanism)
        if call is None:
            raise HsmError(
                Reason.MECHANISM_UNSUPPORTED, f"the profile {self._profile.name} does not do {mechanism.value}"
            )
        prefix = _DIGEST_INFO.get(mechanism, b"")
        with self._pool.lease(timeout) as leased:
            signature: bytes = self._measured(
                "sign",
                lambda: _private_key(leased, handle.key_id).sign(
                    prefix + data, mechanism=call[0], mechanism_param=call[1], buffer_size=512
                ),
            )
        if mechanism is Mechanism.SM2:
            assert self._profile.sm2 is not None
            return _raw_sm2(signature, self._profile.sm2)
        return signature

    def _measured(self, operation: str, work: Callable[[], T]) -> T:
        """Times one operation and makes every return value a typed error."""
        started = time.monotonic()
        try:
            return work()
        except PKCS11Error as problem:
            error = from_pkcs11(problem, operation)
            metrics.hsm_errors.labels(operation, error.ckr).inc()
            raise error from problem
        finally:
            metrics.hsm_call_seconds.labels(operation).observe(time.monotonic() - started)

    def _generate(self, session: Any, key_id: bytes, label: str, spec: KeySpec) -> None:
        templates = {
            "public_template": public_template(key_id, label),
            "private_template": private_template(key_id, label),
            "store": True,
        }
        if isinstance(spec, RsaKeySpec):
            session.generate_keypair(KeyType.RSA, spec.bits, **templates)
            return
        assert isinstance(spec, Sm2KeySpec)
        if self._profile.sm2 is None:
            raise HsmError(Reason.MECHANISM_UNSUPPORTED, f"the profile {self._profile.name} has no SM2")
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: public_key_info.SM2_PARAMETERS}, local=True
        )
        parameters.generate_keypair(
            mechanism=vendor_member(Ckm, "VENDOR_SM2_KEY_PAIR_GEN", self._profile.sm2.generate), **templates
        )


# DigestInfo up to the digest itself (RFC 8017, 9.2 note 1)
_DIGEST_INFO = {
    Mechanism.RSA_PKCS1_SHA256: bytes.fromhex("3031300d060960864801650304020105000420"),
    Mechanism.RSA_PKCS1_SHA384: bytes.fromhex("3041300d060960864801650304020205000430"),
    Mechanism.RSA_PKCS1_SHA512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
# (mechanism, parameter): the digest is ours, so that one way serves messages and digests alike
_RSA_CALLS: dict[Mechanism, tuple[Any, Any]] = {
    Mechanism.RSA_PKCS1_SHA256: (Ckm.RSA_PKCS, None),
    Mechanism.RSA_PKCS1_SHA384: (Ckm.RSA_PKCS, None),
    Mechanism.RSA_PKCS1_SHA512: (Ckm.RSA_PKCS, None),
    Mechanism.RSA_PSS_SHA256: (Ckm.RSA_PKCS_PSS, (Ckm.SHA256, MGF.SHA256, 32)),
    Mechanism.RSA_PSS_SHA384: (Ckm.RSA_PKCS_PSS, (Ckm.SHA384, MGF.SHA384, 48)),
    Mechanism.RSA_PSS_SHA512: (Ckm.RSA_PKCS_PSS, (Ckm.SHA512, MGF.SHA512, 64)),
}


def _private_key(leased: PooledSession, key_id: bytes) -> Any:
    key = leased.keys.get(key_id)
    if key is None:
        key = _find_one(leased.session, ObjectClass.PRIVATE_KEY, key_id)
        leased.keys[key_id] = key
    return key


def _find_one(session: Any, kind: ObjectClass, key_id: bytes) -> Any:
    found = list(session.get_objects({Attribute.CLASS: kind, Attribute.ID: key_id}))
    if len(found) != 1:
        raise HsmKeyError(
            Reason.KEY_MISSING, f"the token has {len(found)} {kind.name.lower()} objects with the id {key_id.hex()}"
        )
    return found[0]


def _read_public_key(session: Any, key_id: bytes) -> bytes:
    key = _find_one(session, ObjectClass.PUBLIC_KEY, key_id)
    if key.key_type == KeyType.RSA:
        return public_key_info.rsa(key[Attribute.MODULUS], key[Attribute.PUBLIC_EXPONENT])
    return public_key_info.sm2(key[Attribute.EC_PARAMS], key[Attribute.EC_POINT])


def _raw_sm2(signature: bytes, sm2: Sm2Mechanisms) -> bytes:
    raw = public_key_info.sm2_signature_from_der(signature) if sm2.output == "der" else signature
    if len(raw) != 64:
        raise HsmError(
            Reason.RESULT_MALFORMED, "the token returned an SM2 signature of another form than its profile says"
        )
    return raw


def _information(token: Any, profile: VendorProfile) -> TokenInformation:
    model = _text(token.model)
    return TokenInformation(
        label=_text(token.label),
        manufacturer=_text(token.manufacturer_id),
        model=model,
        serial=_text(token.serial),
        is_development=model in profile.development_models,
    )


def _text(value: bytes | str) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else value).strip("\x00 ")


__all__ = ["HsmUnavailable", "Pkcs11Token", "Token", "TokenConfig", "TokenInformation"]
