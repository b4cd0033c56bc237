"""HsmError, the root of this package's errors: reason code, safe message, remedy, of the same shape as the other packages'.

Free of PKCS#11 itself; `return_values` says which CKR_* becomes which of these.
"""

from __future__ import annotations

from enum import StrEnum


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
    """Root of all errors of the hsm package. `ckr`: the PKCS#11 return value's name, "" where none was involved."""

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


class HsmBusy(HsmError):
    """A limit was reached: sessions, memory. Nothing is broken."""


class HsmPinError(HsmError):
    """The PIN is wrong, locked, or can't be had."""


class HsmKeyError(HsmError):
    """The key isn't there or can't do this."""


class HsmMechanismError(HsmError):
    """The token or its profile doesn't do this mechanism."""


class HsmRequestError(HsmError):
    """What was asked for is wrong: data of another length, a template that contradicts itself."""


CLASS_OF_REASON: dict[Reason, type[HsmError]] = {
    Reason.UNAVAILABLE: HsmUnavailable,
    Reason.BUSY: HsmBusy,
    Reason.PIN_INCORRECT: HsmPinError,
    Reason.PIN_REFUSED_BEFORE: HsmPinError,
    Reason.PIN_LOCKED: HsmPinError,
    Reason.PIN_MISSING: HsmPinError,
    Reason.KEY_MISSING: HsmKeyError,
    Reason.KEY_UNUSABLE: HsmKeyError,
    Reason.MECHANISM_UNSUPPORTED: HsmMechanismError,
    Reason.REQUEST_REFUSED: HsmRequestError,
    Reason.RESULT_MALFORMED: HsmError,
    Reason.CONFIGURATION: HsmError,
}
