"""Every return value becomes a typed error with a remedy."""

from __future__ import annotations

import inspect

import pkcs11.exceptions
import pytest

from hsm.errors import REASON_OF_CKR, HsmError, HsmUnavailable, Reason, from_pkcs11

_EXCEPTIONS = [
    name
    for name, kind in vars(pkcs11.exceptions).items()
    if inspect.isclass(kind) and issubclass(kind, pkcs11.exceptions.PKCS11Error) and name != "PKCS11Error"
]


@pytest.mark.parametrize("name", _EXCEPTIONS)
def test_every_exception_of_the_library_has_a_reason(name: str) -> None:
    assert name in REASON_OF_CKR
    error = from_pkcs11(getattr(pkcs11.exceptions, name)(), "signing")
    assert (error.reason, error.ckr) == (REASON_OF_CKR[name], name)
    assert error.remedy
    assert str(error).startswith("signing failed")


def test_no_reason_is_for_an_exception_that_does_not_exist() -> None:
    assert set(REASON_OF_CKR) == set(_EXCEPTIONS)


def test_values_that_the_library_does_not_know_count_as_a_lost_device() -> None:
    error = from_pkcs11(pkcs11.exceptions.PKCS11Error("not initialized"), "signing")
    assert isinstance(error, HsmUnavailable)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_remedy(reason: Reason) -> None:
    assert HsmError(reason, "m").remedy
