"""HsmError, the root of this package's errors, and what every CKR_* return value becomes.

Of the same shape as the other packages' errors: reason code, safe message, remedy. `ckr` names the return value for logs.
"""

from __future__ import annotations

from enum import StrEnum

import pkcs11.exceptions as ckr_exceptions


class Reason(StrEnum):
    """Stable reason codes of this package."""

    UNAVAILABLE = "hsm-unavailable"
    BUSY = "hsm-busy"
    PIN_INCORRECT = "hsm-pin-incorrect"
    PIN_REFUSED_BEFORE = "hsm-pin-refused-before"
    PIN_LOCKED = "hsm-pin-locked"
    PIN_MISSING = "hsm-pin-missing"
    KEY_MISSING = "hsm-key-missing"
    KEY_UNUSABLE = "hsm-key-unusable"
    MECHANISM_UNSUPPORTED = "hsm-mechanism-unsupported"
    REQUEST_REFUSED = "hsm-request-refused"
    RESULT_MALFORMED = "hsm-result-malformed"
    CONFIGURATION = "hsm-configuration"


_REMEDIES = {
    Reason.UNAVAILABLE: "Retry; check that the HSM is connected and its token is there.",
    Reason.BUSY: "Retry with a longer deadline; raise [token] sessions if it happens often.",
    Reason.PIN_INCORRECT: "Put the right PIN into the PIN file, then start again; it is not tried a second time.",
    Reason.PIN_REFUSED_BEFORE: "Put the right PIN into the PIN file, then start again.",
    Reason.PIN_LOCKED: "Have the token's security officer reset the user PIN.",
    Reason.PIN_MISSING: "Give the PIN by a file of mode 0600 or a credential.",
    Reason.KEY_MISSING: "Check that this is the token that the key was made in; restore it if not.",
    Reason.KEY_UNUSABLE: "Check the key's attributes in the token.",
    Reason.MECHANISM_UNSUPPORTED: "Choose the profile of the HSM's vendor, or another algorithm.",
    Reason.REQUEST_REFUSED: "See the server's log for the return value; this is a fault of ours or of the profile.",
    Reason.RESULT_MALFORMED: "Correct the profile of the HSM's vendor, or take the HSM out of service.",
    Reason.CONFIGURATION: "Correct the configuration's [token] table.",
}


class HsmError(Exception):
    """Root of all errors of the hsm package. `ckr`: the PKCS#11 return value, "" where none was involved."""

    def __init__(self, reason: Reason, message: str, remedy: str = "", *, ckr: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = remedy or _REMEDIES[reason]
        self.ckr = ckr

    def __str__(self) -> str:
        return f"{self.message} [{self.reason.value}{f' {self.ckr}' if self.ckr else ''}] {self.remedy}"


class HsmUnavailable(HsmError):
    """Device, token or session is gone; the pool reconnects by itself."""


class HsmPinError(HsmError):
    """The PIN is wrong, locked, or can't be had."""


class HsmKeyError(HsmError):
    """The key isn't there or can't do this."""


# exception of python-pkcs11 (one for each CKR_*, PKCS#11 2.40 clause 5.1) → reason
_REASONS: dict[Reason, tuple[str, ...]] = {
    Reason.UNAVAILABLE: (
        "DeviceError",
        "DeviceMemory",
        "DeviceRemoved",
        "TokenNotPresent",
        "TokenNotRecognised",
        "SlotIDInvalid",
        "SessionClosed",
        "SessionHandleInvalid",
        "UserNotLoggedIn",
        "KeyHandleInvalid",
        "ObjectHandleInvalid",
        "GeneralError",
        "FunctionFailed",
        "FunctionCancelled",
        "NoSuchToken",
    ),
    Reason.BUSY: ("SessionCount", "HostMemory", "OperationActive"),
    Reason.PIN_INCORRECT: ("PinIncorrect", "PinInvalid", "PinLenRange", "PinTooWeak"),
    Reason.PIN_LOCKED: ("PinLocked", "PinExpired", "UserPinNotInitialized"),
    Reason.KEY_MISSING: ("NoSuchKey", "MultipleObjectsReturned", "KeyNeeded", "KeyNotNeeded"),
    Reason.KEY_UNUSABLE: (
        "KeyTypeInconsistent",
        "KeySizeRange",
        "KeyUnextractable",
        "KeyNotWrappable",
        "KeyIndigestible",
        "AttributeSensitive",
        "PublicKeyInvalid",
        "DomainParamsInvalid",
        "UnwrappingKeyHandleInvalid",
        "UnwrappingKeySizeRange",
        "UnwrappingKeyTypeInconsistent",
        "WrappedKeyInvalid",
        "WrappedKeyLenRange",
        "WrappingKeyHandleInvalid",
        "WrappingKeySizeRange",
        "WrappingKeyTypeInconsistent",
    ),
    Reason.MECHANISM_UNSUPPORTED: ("MechanismInvalid", "MechanismParamInvalid", "FunctionNotSupported"),
    Reason.REQUEST_REFUSED: (
        "AnotherUserAlreadyLoggedIn",
        "ArgumentsBad",
        "AttributeReadOnly",
        "AttributeTypeInvalid",
        "AttributeValueInvalid",
        "DataInvalid",
        "DataLenRange",
        "EncryptedDataInvalid",
        "EncryptedDataLenRange",
        "ExceededMaxIterations",
        "FunctionRejected",
        "MultipleTokensReturned",
        "NoEvent",
        "OperationNotInitialized",
        "RandomNoRNG",
        "RandomSeedNotSupported",
        "SessionExists",
        "SessionReadOnly",
        "SessionReadOnlyExists",
        "SessionReadWriteSOExists",
        "SignatureInvalid",
        "SignatureLenRange",
        "TemplateIncomplete",
        "TemplateInconsistent",
        "TokenWriteProtected",
        "UserAlreadyLoggedIn",
        "UserTooManyTypes",
    ),
}
REASON_OF_CKR: dict[str, Reason] = {name: reason for reason, names in _REASONS.items() for name in names}
_CLASSES: dict[Reason, type[HsmError]] = {
    Reason.UNAVAILABLE: HsmUnavailable,
    Reason.PIN_INCORRECT: HsmPinError,
    Reason.PIN_LOCKED: HsmPinError,
    Reason.KEY_MISSING: HsmKeyError,
    Reason.KEY_UNUSABLE: HsmKeyError,
}


def from_pkcs11(problem: ckr_exceptions.PKCS11Error, what: str) -> HsmError:
    """The typed error of a return value; `what` says what was tried. Unknown ones count as a lost device.

    python-pkcs11 raises its base class for values that it doesn't map, CKR_CRYPTOKI_NOT_INITIALIZED among them.
    """
    name = type(problem).__name__
    reason = REASON_OF_CKR.get(name, Reason.UNAVAILABLE)
    return _CLASSES.get(reason, HsmError)(reason, f"{what} failed", ckr=name)
