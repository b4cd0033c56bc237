"""A token as the signer uses it: generate, open, sign, and what it says of itself. The Protocol, and PKCS#11 behind it.

Nothing on the way of a signature looks a key up: handles are cached in sessions, and found again when those were lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pkcs11 import MGF, Attribute, KeyType, ObjectClass
from pkcs11 import Mechanism as Ckm
from pkcs11.exceptions import PKCS11Error

from hsm import public_key_info, sm2_result
from hsm.errors import (
    HsmError,
    HsmKeyError,
    HsmMechanismError,
    HsmRequestError,
    HsmUnavailable,
    Reason,
)
from hsm.keys import KeyHandle, KeySpec, RsaKeySpec, Sm2KeySpec, private_template, public_template
from hsm.mechanisms import DATA_BYTES, Mechanism
from hsm.module import Module, vendor_member
from hsm.return_values import STALE, from_pkcs11
from hsm.session_pool import PooledSession, SessionPool, SessionPoolConfig
from hsm.token_config import TokenConfig
from hsm.token_information import TokenInformation, information_of
from hsm.vendor_profile import Sm2Mechanisms, VendorProfile, load_profile
from monitoring import metrics

T = TypeVar("T")
_MAX_SIGNATURE_BYTES = 512  # RSA of 4096 bits


class Token(Protocol):
    """What the signer needs of an HSM. All methods may be called by any number of threads; `timeout` is in seconds.

    Every method may raise HsmUnavailable (the token is gone; it is looked for again by itself), HsmBusy (no session came
    free in time) and HsmPinError.
    """

    def generate_key_pair(self, key_id: bytes, label: str, spec: KeySpec, *, timeout: float) -> bytes:
        """Makes a key pair that never leaves the token; returns SubjectPublicKeyInfo, DER.

        `timeout` bounds the wait for a session, not the generation.

        Raises:
            HsmRequestError: the token has a key with that CKA_ID already; it stays as it is.
            HsmMechanismError: the token doesn't make such keys.
            HsmKeyError: KEY_UNUSABLE, the token made one that it would give out; it was destroyed.
        """
        ...

    def open_key(self, key_id: bytes) -> KeyHandle:
        """A handle for the private key with that CKA_ID. Raises HsmKeyError (KEY_MISSING)."""
        ...

    def public_key(self, handle: KeyHandle) -> bytes:
        """SubjectPublicKeyInfo, DER. Raises HsmKeyError (KEY_MISSING)."""
        ...

    def sign(self, handle: KeyHandle, mechanism: Mechanism, data: bytes, *, timeout: float) -> bytes:
        """Signs a digest (RSA: the signature's octets) or e (SM2, 32 bytes: r ‖ s in 64 bytes, 0 < r, s < n).

        RSA: RSASSA-PKCS1-v1_5 and RSASSA-PSS with MGF1 and a salt of the same hash's length (RFC 8017, 8). The result is
        not verified here.

        Raises:
            HsmRequestError: data of a wrong length.
            HsmMechanismError: the profile or the token doesn't do it.
            HsmKeyError: KEY_MISSING; KEY_UNUSABLE, a key of another type or one that may not sign.
            HsmError: RESULT_MALFORMED.
        """
        ...

    def information(self) -> TokenInformation:
        """What the token said of itself when it was opened."""
        ...

    def probe(self, *, timeout: float) -> None:
        """Returns when the token is there and a session in it works."""
        ...

    def close(self) -> None:
        """Ends the login. Every later call raises HsmUnavailable."""
        ...


class _KeysHidden(HsmUnavailable):
    """A token that is gone, or that forgot our login, shows no keys: nobody's key is missing."""


class Pkcs11Token:
    """A token behind a PKCS#11 module."""

    def __init__(self, pool: SessionPool, profile: VendorProfile, token: Any, *, lease_timeout: float = 10.0) -> None:
        self._pool = pool
        self._profile = profile
        self._information = information_of(token)
        self._lease_timeout = lease_timeout
        self._calls: dict[Mechanism, tuple[Any, Any]] = dict(_RSA_CALLS)
        if profile.sm2 is not None:
            self._calls[Mechanism.SM2] = (vendor_member(Ckm, profile.sm2.sign), None)

    @classmethod
    def from_config(cls, config: TokenConfig) -> Pkcs11Token:
        """Loads the module, finds the token, logs in.

        Raises:
            HsmError: CONFIGURATION, UNAVAILABLE, and all about the PIN.
        """
        profile = load_profile(config.profile)
        module = Module.load(config.module)
        pool = SessionPool(
            module,
            SessionPoolConfig(
                token_label=config.label,
                pin=config.pin,
                sessions=config.sessions,
                attempts_directory=config.attempts_directory,
                tells_wrong_pins=profile.tells_wrong_pins,
            ),
        )
        try:
            return cls(pool, profile, pool.connect(), lease_timeout=config.lease_timeout)
        except HsmError:
            pool.close()
            raise

    def information(self) -> TokenInformation:
        """See `Token`."""
        return self._information

    def probe(self, *, timeout: float) -> None:
        """See `Token`."""

        def look(leased: PooledSession) -> None:
            if not self._pool.answers():
                raise HsmUnavailable(Reason.UNAVAILABLE, "the token doesn't answer, or has lost its login")
            list(leased.session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: b"probe"}))

        self._in_session("probe", timeout, look)

    def close(self) -> None:
        """See `Token`."""
        self._pool.close()

    def generate_key_pair(self, key_id: bytes, label: str, spec: KeySpec, *, timeout: float) -> bytes:
        """See `Token`."""

        def generate(leased: PooledSession) -> bytes:
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                if _find(leased.session, kind, key_id):  # a second one would make both unfindable
                    raise HsmRequestError(
                        Reason.REQUEST_REFUSED,
                        f"the token has a key with the id {key_id.hex()} already",
                        "Choose another id.",
                    )
            with leased.session.token.open(rw=True) as session:
                public, private = self._generate(session, key_id, label, spec)
                _check_kept_inside(public, private)
                return _subject_public_key_info(public)

        with self._pool.lease(timeout) as leased:
            encoded = self._measured("generate", generate, leased)
        self._pool.saw_keys()
        return encoded

    def open_key(self, key_id: bytes) -> KeyHandle:
        """See `Token`."""
        self._in_session("find", self._lease_timeout, lambda leased: self._private_key(leased, key_id))
        return KeyHandle(key_id)

    def public_key(self, handle: KeyHandle) -> bytes:
        """See `Token`."""

        def read(leased: PooledSession) -> bytes:
            self._private_key(leased, handle.key_id)  # tells a lost token from a missing key
            return _subject_public_key_info(_find_one(leased.session, ObjectClass.PUBLIC_KEY, handle.key_id))

        return self._in_session("find", self._lease_timeout, read)

    def sign(self, handle: KeyHandle, mechanism: Mechanism, data: bytes, *, timeout: float) -> bytes:
        """See `Token`."""
        call = self._calls.get(mechanism)
        if call is None:
            raise HsmMechanismError(
                Reason.MECHANISM_UNSUPPORTED, f"the profile {self._profile.name} does not do {mechanism.value}"
            )
        if len(data) != DATA_BYTES[mechanism]:
            raise HsmRequestError(
                Reason.REQUEST_REFUSED,
                f"{mechanism.value} signs {DATA_BYTES[mechanism]} bytes, not {len(data)}",
                "Give the digest that belongs to the algorithm.",
            )
        ckm, parameter = call
        encoded = _DIGEST_INFO.get(mechanism, b"") + data

        def use(leased: PooledSession) -> bytes:
            key = self._private_key(leased, handle.key_id)
            try:
                sign = key.sign
            except AttributeError:  # python-pkcs11 gives the method to keys with CKA_SIGN alone
                raise HsmKeyError(
                    Reason.KEY_UNUSABLE, f"the key {handle.key_id.hex()} may not sign (CKA_SIGN)"
                ) from None
            signature: bytes = sign(encoded, mechanism=ckm, mechanism_param=parameter, buffer_size=_MAX_SIGNATURE_BYTES)
            return signature

        signature = self._in_session("sign", timeout, use)
        return self._raw_sm2(signature) if mechanism is Mechanism.SM2 else signature

    def _in_session(self, operation: str, timeout: float, work: Callable[[PooledSession], T]) -> T:
        """In a leased session; once more in a new one when the session or its handles turned out to be void.

        A token that goes away within a call may show a key without its attributes: what it says of a key is asked twice.
        """
        until = time.monotonic() + timeout
        try:
            with self._pool.lease(timeout) as leased:
                return self._measured(operation, work, leased)
        except HsmUnavailable as problem:
            if problem.ckr not in STALE and not isinstance(problem, _KeysHidden):
                raise
        except HsmKeyError as problem:
            if not problem.ckr:
                raise
        with self._pool.lease(until - time.monotonic()) as leased:
            return self._measured(operation, work, leased)

    def _measured(self, operation: str, work: Callable[[PooledSession], T], leased: PooledSession) -> T:
        """Times one operation and makes every return value a typed error."""
        started = time.monotonic()
        try:
            return work(leased)
        except PKCS11Error as problem:
            error = from_pkcs11(problem, operation)
            metrics.hsm_errors.labels(operation, error.ckr).inc()
            raise error from problem
        except ValueError as problem:  # python-pkcs11 met a number that it has no name for
            raise HsmError(
                Reason.CONFIGURATION,
                f"{operation}: the token uses a number that its profile doesn't name ({problem})",
                "Give the vendor's key type as sm2.key_type in the profile.",
            ) from problem
        finally:
            metrics.labelled(metrics.hsm_call_seconds, operation).observe(time.monotonic() - started)

    def _private_key(self, leased: PooledSession, key_id: bytes) -> Any:
        key = leased.keys.get(key_id)
        if key is not None:
            return key
        try:
            key = _private_key(leased, key_id)
        except HsmKeyError:
            if self._pool.answers():
                raise
            raise _KeysHidden(Reason.UNAVAILABLE, "the token shows no private keys any more") from None
        self._pool.saw_keys()
        return key

    def _generate(self, session: Any, key_id: bytes, label: str, spec: KeySpec) -> tuple[Any, Any]:
        templates = {
            "public_template": public_template(key_id, label),
            "private_template": private_template(key_id, label),
            "store": True,
        }
        if isinstance(spec, RsaKeySpec):
            return _pair(session.generate_keypair(KeyType.RSA, spec.bits, **templates))
        assert isinstance(spec, Sm2KeySpec)
        sm2 = self._profile.sm2
        if sm2 is None:
            raise HsmMechanismError(Reason.MECHANISM_UNSUPPORTED, f"the profile {self._profile.name} has no SM2")
        if sm2.key_type is not None:
            for template in (templates["public_template"], templates["private_template"]):
                assert isinstance(template, dict)
                template[Attribute.KEY_TYPE] = vendor_member(KeyType, sm2.key_type)
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: public_key_info.SM2_PARAMETERS}, local=True
        )
        return _pair(parameters.generate_keypair(mechanism=vendor_member(Ckm, sm2.generate), **templates))

    def _raw_sm2(self, signature: bytes) -> bytes:
        sm2 = self._profile.sm2
        assert isinstance(sm2, Sm2Mechanisms)
        return sm2_result.from_der(signature) if sm2.output == "der" else sm2_result.from_raw(signature)


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


def _pair(made: Any) -> tuple[Any, Any]:
    public, private = made
    return public, private


def _private_key(leased: PooledSession, key_id: bytes) -> Any:
    key = leased.keys.get(key_id)
    if key is None:
        key = _find_one(leased.session, ObjectClass.PRIVATE_KEY, key_id)
        leased.keys[key_id] = key
    return key


def _find(session: Any, kind: ObjectClass, key_id: bytes) -> list[Any]:
    return list(session.get_objects({Attribute.CLASS: kind, Attribute.ID: key_id}))


def _find_one(session: Any, kind: ObjectClass, key_id: bytes) -> Any:
    found = _find(session, kind, key_id)
    if len(found) != 1:
        raise HsmKeyError(
            Reason.KEY_MISSING, f"the token has {len(found)} {kind.name.lower()} objects with the id {key_id.hex()}"
        )
    return found[0]


def _check_kept_inside(public: Any, private: Any) -> None:
    """A token may overlook parts of a template: what it really made is asked, and not kept when it could leave."""
    if private[Attribute.SENSITIVE] and not private[Attribute.EXTRACTABLE]:
        return
    private.destroy()
    public.destroy()
    raise HsmKeyError(
        Reason.KEY_UNUSABLE,
        "the token made a private key that it would give out; it was destroyed",
        "Set the token to a mode in which CKA_SENSITIVE and CKA_EXTRACTABLE hold.",
    )


def _subject_public_key_info(key: Any) -> bytes:
    if key.key_type == KeyType.RSA:
        return public_key_info.rsa(key[Attribute.MODULUS], key[Attribute.PUBLIC_EXPONENT])
    return public_key_info.sm2(key[Attribute.EC_PARAMS], key[Attribute.EC_POINT])


__all__ = ["HsmUnavailable", "Pkcs11Token", "Token", "TokenConfig", "TokenInformation"]
