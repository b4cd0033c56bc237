"""Every return value becomes a typed error with a reason and a remedy, whatever python-pkcs11 makes of it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pkcs11.exceptions
import pytest
from pkcs11.exceptions import PKCS11Error

from hsm.errors import (
    CLASS_OF_REASON,
    HsmBusy,
    HsmError,
    HsmKeyError,
    HsmMechanismError,
    HsmPinError,
    HsmRequestError,
    HsmUnavailable,
    Reason,
)
from hsm.return_values import NUMBER_OF, REASON_OF, STALE, UNCLEAR, from_pkcs11, is_unclear, name_of

_HEADER = {
    name: int(number, 16)
    for number, name in (
        line.split()
        for line in (Path(__file__).resolve().parents[2] / "vectors/pkcs11/return_values.txt").read_text().splitlines()
    )
}
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(pkcs11.exceptions).items()
    if inspect.isclass(kind) and issubclass(kind, PKCS11Error) and kind is not PKCS11Error
}
_WITHOUT_RETURN_VALUE = {"MultipleObjectsReturned", "MultipleTokensReturned", "NoSuchKey", "NoSuchToken"}
# what python-pkcs11 0.10 raises as its base class, with these words
_TEXTS = {
    "Buffer was too small. Should never see this.": "CKR_BUFFER_TOO_SMALL",
    "Initialisation error (already initialized). Should never see this.": "CKR_CRYPTOKI_ALREADY_INITIALIZED",
    "Initialisation error (not initialized). Should never see this.": "CKR_CRYPTOKI_NOT_INITIALIZED",
    "Parallel not supported. Should never see this.": "CKR_SESSION_PARALLEL_NOT_SUPPORTED",
    "User type invalid. Should never see this.": "CKR_USER_TYPE_INVALID",
}


def test_the_table_is_the_headers() -> None:
    assert NUMBER_OF == _HEADER
    assert set(REASON_OF) == set(_HEADER)
    assert set(_HEADER) >= STALE | UNCLEAR


@pytest.mark.parametrize("name", sorted(_EXCEPTIONS))
def test_every_exception_of_the_library_becomes_its_return_value(name: str) -> None:
    problem = _EXCEPTIONS[name]()
    error = from_pkcs11(problem, "signing")
    if name in _WITHOUT_RETURN_VALUE:
        assert error.ckr == ""
    else:
        # the same letters, but for spelling and one turned round
        spelt = {"FUNCTIONCANCELLED": "FUNCTIONCANCELED", "TOKENNOTRECOGNISED": "TOKENNOTRECOGNIZED"}
        letters = spelt.get(name.upper(), name.upper().replace("ANOTHERUSER", "USERANOTHER"))
        assert error.ckr.replace("_", "") == f"CKR{letters}"
        assert error.reason is REASON_OF[error.ckr]
    assert type(error) is CLASS_OF_REASON[error.reason]
    assert str(error).startswith("signing failed")
    assert error.remedy


@pytest.mark.parametrize("name", sorted(_HEADER))
def test_every_number_that_the_library_has_no_class_for_is_named(name: str) -> None:
    error = from_pkcs11(PKCS11Error(f"Unmapped error code {hex(_HEADER[name])}"), "signing")
    assert (error.ckr, error.reason) == (name, REASON_OF[name])
    assert type(error) is CLASS_OF_REASON[error.reason]


@pytest.mark.parametrize(("text", "name"), _TEXTS.items())
def test_what_the_library_tells_by_words_alone_is_named(text: str, name: str) -> None:
    assert name_of(PKCS11Error(text)) == name


def test_the_words_are_still_the_librarys() -> None:
    source = Path(pkcs11.exceptions.__file__).with_name("_pkcs11.pxd").read_text()
    for text in (*_TEXTS, "Unmapped error code %s"):
        assert f'PKCS11Error("{text}"' in source


def test_what_a_vendor_defines_counts_as_unavailable_and_keeps_its_number() -> None:
    error = from_pkcs11(PKCS11Error("Unmapped error code 0x80000123"), "signing")
    assert isinstance(error, HsmUnavailable)
    assert error.ckr == "0x80000123"
    assert is_unclear(error)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CKR_DEVICE_REMOVED", HsmUnavailable),
        ("CKR_SESSION_HANDLE_INVALID", HsmUnavailable),
        ("CKR_TOKEN_NOT_PRESENT", HsmUnavailable),
        ("CKR_SESSION_COUNT", HsmBusy),
        ("CKR_PIN_INCORRECT", HsmPinError),
        ("CKR_PIN_LOCKED", HsmPinError),
        ("CKR_KEY_FUNCTION_NOT_PERMITTED", HsmKeyError),
        ("CKR_KEY_TYPE_INCONSISTENT", HsmKeyError),
        ("CKR_MECHANISM_INVALID", HsmMechanismError),
        ("CKR_DATA_LEN_RANGE", HsmRequestError),
    ],
)
def test_groups(name: str, kind: type[HsmError]) -> None:
    assert CLASS_OF_REASON[REASON_OF[name]] is kind


def test_a_login_is_unclear_only_where_a_try_may_have_been_counted() -> None:
    assert {name for name in _HEADER if is_unclear(HsmError(Reason.UNAVAILABLE, "m", ckr=name))} == UNCLEAR
    assert not is_unclear(HsmError(Reason.UNAVAILABLE, "no token with that label"))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_class_and_a_remedy(reason: Reason) -> None:
    error = CLASS_OF_REASON[reason](reason, "m")
    assert error.remedy
    assert error.message == "m"
