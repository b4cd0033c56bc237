"""Every CKR_* of PKCS#11 3.0, by number, and what it means to a caller: a typed error with a reason.

Not for deciding what happens next: the session pool does that. Numbers: OASIS PKCS #11 3.0, header pkcs11t.h; meanings:
PKCS #11 Base Specification 3.0, 5.1.
"""

from __future__ import annotations

import re

from pkcs11.exceptions import PKCS11Error

from hsm.errors import CLASS_OF_REASON, HsmError, Reason

_VALUES: dict[Reason, dict[str, int]] = {
    Reason.UNAVAILABLE: {
        "CKR_CANCEL": 0x001,
        "CKR_SLOT_ID_INVALID": 0x003,
        "CKR_GENERAL_ERROR": 0x005,
        "CKR_FUNCTION_FAILED": 0x006,
        "CKR_DEVICE_ERROR": 0x030,
        "CKR_DEVICE_MEMORY": 0x031,
        "CKR_DEVICE_REMOVED": 0x032,
        "CKR_FUNCTION_CANCELED": 0x050,
        "CKR_KEY_HANDLE_INVALID": 0x060,
        "CKR_OBJECT_HANDLE_INVALID": 0x082,
        "CKR_OPERATION_ACTIVE": 0x090,  # left over in this session from a call that failed: the session is void
        "CKR_OPERATION_NOT_INITIALIZED": 0x091,
        "CKR_SESSION_CLOSED": 0x0B0,
        "CKR_SESSION_HANDLE_INVALID": 0x0B3,
        "CKR_TOKEN_NOT_PRESENT": 0x0E0,
        "CKR_TOKEN_NOT_RECOGNIZED": 0x0E1,
        "CKR_USER_NOT_LOGGED_IN": 0x101,
        "CKR_CRYPTOKI_NOT_INITIALIZED": 0x190,
        "CKR_CRYPTOKI_ALREADY_INITIALIZED": 0x191,
        "CKR_MUTEX_BAD": 0x1A0,
        "CKR_MUTEX_NOT_LOCKED": 0x1A1,
        "CKR_FIPS_SELF_TEST_FAILED": 0x1B6,
        "CKR_OPERATION_CANCEL_FAILED": 0x202,
    },
    Reason.BUSY: {
        "CKR_HOST_MEMORY": 0x002,
        "CKR_SESSION_COUNT": 0x0B1,
        "CKR_TOKEN_RESOURCE_EXCEEDED": 0x201,
    },
    Reason.PIN_INCORRECT: {
        "CKR_PIN_INCORRECT": 0x0A0,
        "CKR_PIN_INVALID": 0x0A1,
        "CKR_PIN_LEN_RANGE": 0x0A2,
        "CKR_PIN_TOO_WEAK": 0x1B8,
    },
    Reason.PIN_LOCKED: {
        "CKR_PIN_EXPIRED": 0x0A3,
        "CKR_PIN_LOCKED": 0x0A4,
        "CKR_USER_PIN_NOT_INITIALIZED": 0x102,
        "CKR_NEW_PIN_MODE": 0x1B0,
        "CKR_NEXT_OTP": 0x1B1,
    },
    Reason.KEY_MISSING: {
        "CKR_KEY_NEEDED": 0x066,
        "CKR_KEY_NOT_NEEDED": 0x064,
        "CKR_KEY_CHANGED": 0x065,
    },
    Reason.KEY_UNUSABLE: {
        "CKR_ATTRIBUTE_SENSITIVE": 0x011,
        "CKR_ACTION_PROHIBITED": 0x01B,
        "CKR_KEY_SIZE_RANGE": 0x062,
        "CKR_KEY_TYPE_INCONSISTENT": 0x063,
        "CKR_KEY_INDIGESTIBLE": 0x067,
        "CKR_KEY_FUNCTION_NOT_PERMITTED": 0x068,
        "CKR_KEY_NOT_WRAPPABLE": 0x069,
        "CKR_KEY_UNEXTRACTABLE": 0x06A,
        "CKR_UNWRAPPING_KEY_HANDLE_INVALID": 0x0F0,
        "CKR_UNWRAPPING_KEY_SIZE_RANGE": 0x0F1,
        "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT": 0x0F2,
        "CKR_WRAPPED_KEY_INVALID": 0x110,
        "CKR_WRAPPED_KEY_LEN_RANGE": 0x112,
        "CKR_WRAPPING_KEY_HANDLE_INVALID": 0x113,
        "CKR_WRAPPING_KEY_SIZE_RANGE": 0x114,
        "CKR_WRAPPING_KEY_TYPE_INCONSISTENT": 0x115,
        "CKR_PUBLIC_KEY_INVALID": 0x1B9,
    },
    Reason.MECHANISM_UNSUPPORTED: {
        "CKR_FUNCTION_NOT_PARALLEL": 0x051,
        "CKR_FUNCTION_NOT_SUPPORTED": 0x054,
        "CKR_MECHANISM_INVALID": 0x070,
        "CKR_MECHANISM_PARAM_INVALID": 0x071,
        "CKR_SESSION_PARALLEL_NOT_SUPPORTED": 0x0B4,
        "CKR_DOMAIN_PARAMS_INVALID": 0x130,
        "CKR_CURVE_NOT_SUPPORTED": 0x140,
    },
    Reason.REQUEST_REFUSED: {
        "CKR_ARGUMENTS_BAD": 0x007,
        "CKR_NO_EVENT": 0x008,
        "CKR_ATTRIBUTE_READ_ONLY": 0x010,
        "CKR_ATTRIBUTE_TYPE_INVALID": 0x012,
        "CKR_ATTRIBUTE_VALUE_INVALID": 0x013,
        "CKR_DATA_INVALID": 0x020,
        "CKR_DATA_LEN_RANGE": 0x021,
        "CKR_ENCRYPTED_DATA_INVALID": 0x040,
        "CKR_ENCRYPTED_DATA_LEN_RANGE": 0x041,
        "CKR_SESSION_READ_ONLY": 0x0B5,
        "CKR_SESSION_EXISTS": 0x0B6,
        "CKR_SESSION_READ_ONLY_EXISTS": 0x0B7,
        "CKR_SESSION_READ_WRITE_SO_EXISTS": 0x0B8,
        "CKR_SIGNATURE_INVALID": 0x0C0,
        "CKR_SIGNATURE_LEN_RANGE": 0x0C1,
        "CKR_TEMPLATE_INCOMPLETE": 0x0D0,
        "CKR_TEMPLATE_INCONSISTENT": 0x0D1,
        "CKR_TOKEN_WRITE_PROTECTED": 0x0E2,
        "CKR_USER_ALREADY_LOGGED_IN": 0x100,
        "CKR_USER_TYPE_INVALID": 0x103,
        "CKR_USER_ANOTHER_ALREADY_LOGGED_IN": 0x104,
        "CKR_USER_TOO_MANY_TYPES": 0x105,
        "CKR_RANDOM_SEED_NOT_SUPPORTED": 0x120,
        "CKR_RANDOM_NO_RNG": 0x121,
        "CKR_BUFFER_TOO_SMALL": 0x150,
        "CKR_SAVED_STATE_INVALID": 0x160,
        "CKR_INFORMATION_SENSITIVE": 0x170,
        "CKR_STATE_UNSAVEABLE": 0x180,
        "CKR_EXCEEDED_MAX_ITERATIONS": 0x1B5,
        "CKR_FUNCTION_REJECTED": 0x200,
    },
    Reason.CONFIGURATION: {
        "CKR_NEED_TO_CREATE_THREADS": 0x009,
        "CKR_CANT_LOCK": 0x00A,
        "CKR_LIBRARY_LOAD_FAILED": 0x1B7,
    },
}
NUMBER_OF: dict[str, int] = {name: number for values in _VALUES.values() for name, number in values.items()}
REASON_OF: dict[str, Reason] = {name: reason for reason, values in _VALUES.items() for name in values}
_NAME_OF = {number: name for name, number in NUMBER_OF.items()}

# After one of these nothing was done, and the same request in a new session with newly found keys may well succeed.
STALE = frozenset(
    {
        "CKR_KEY_HANDLE_INVALID",
        "CKR_OBJECT_HANDLE_INVALID",
        "CKR_OPERATION_ACTIVE",
        "CKR_OPERATION_NOT_INITIALIZED",
        "CKR_SESSION_CLOSED",
        "CKR_SESSION_HANDLE_INVALID",
        "CKR_USER_NOT_LOGGED_IN",
    }
)
# C_Login with one of these may have counted a wrong PIN or not; so may whatever a vendor defines.
UNCLEAR = frozenset(
    {
        "CKR_CANCEL",
        "CKR_DEVICE_ERROR",
        "CKR_DEVICE_MEMORY",
        "CKR_FUNCTION_CANCELED",
        "CKR_FUNCTION_FAILED",
        "CKR_GENERAL_ERROR",
    }
)

# python-pkcs11 names its exceptions after the return values; these differ by more than underscores
_IRREGULAR = {
    "AnotherUserAlreadyLoggedIn": "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
    "FunctionCancelled": "CKR_FUNCTION_CANCELED",
    "RandomNoRNG": "CKR_RANDOM_NO_RNG",
    "SessionReadWriteSOExists": "CKR_SESSION_READ_WRITE_SO_EXISTS",
    "SlotIDInvalid": "CKR_SLOT_ID_INVALID",
    "TokenNotRecognised": "CKR_TOKEN_NOT_RECOGNIZED",
}
# raised by python-pkcs11 itself, without a return value
_OF_THE_LIBRARY = {
    "MultipleObjectsReturned": Reason.KEY_MISSING,
    "MultipleTokensReturned": Reason.UNAVAILABLE,
    "NoSuchKey": Reason.KEY_MISSING,
    "NoSuchToken": Reason.UNAVAILABLE,
}
# raised as the base class, told apart by the text alone
_BY_TEXT = {
    "already initialized": "CKR_CRYPTOKI_ALREADY_INITIALIZED",
    "not initialized": "CKR_CRYPTOKI_NOT_INITIALIZED",
    "Buffer was too small": "CKR_BUFFER_TOO_SMALL",
    "Parallel not supported": "CKR_SESSION_PARALLEL_NOT_SUPPORTED",
    "User type invalid": "CKR_USER_TYPE_INVALID",
}


def name_of(problem: PKCS11Error) -> str:
    """The return value behind an exception of python-pkcs11: its CKR_* name, its number where a vendor defined it, or ""."""
    kind = type(problem).__name__
    if kind in _OF_THE_LIBRARY:
        return ""
    if kind != "PKCS11Error":
        return _IRREGULAR.get(kind) or "CKR" + re.sub(r"([A-Z][a-z]*)", r"_\1", kind).upper()
    text = str(problem)
    unmapped = re.search(r"Unmapped error code (0x[0-9a-f]+)", text)
    if unmapped:
        return _NAME_OF.get(int(unmapped[1], 16), unmapped[1])
    return next((name for part, name in _BY_TEXT.items() if part in text), "")


def from_pkcs11(problem: PKCS11Error, what: str) -> HsmError:
    """The typed error of an exception; `what` says what was tried. What nobody knows counts as unavailable."""
    name = name_of(problem)
    reason = REASON_OF.get(name) or _OF_THE_LIBRARY.get(type(problem).__name__, Reason.UNAVAILABLE)
    return CLASS_OF_REASON[reason](reason, f"{what} failed", ckr=name)


def is_unclear(problem: HsmError) -> bool:
    """Whether a failed C_Login may have counted a wrong PIN."""
    return problem.ckr in UNCLEAR or (bool(problem.ckr) and problem.ckr not in REASON_OF)
