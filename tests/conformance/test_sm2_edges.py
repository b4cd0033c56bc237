"""Constructed SM2 signatures: x1 at and above n, carries of e + x1 and r + s, extreme r, s, t, equal and missing points."""

from __future__ import annotations

import json
from typing import Any

import gmssl_pyx
import pytest

from signer.algorithms import SignatureAlgorithm, load_public_key
from signer.errors import VerificationError
from tests.vectors.sm2_edges.generate import FILE, vectors

_VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())
_BY_NAME = pytest.mark.parametrize("vector", _VECTORS, ids=[vector["name"] for vector in _VECTORS])
# gmssl-pyx 2.1.0 takes the point at infinity for one with x = 0
_OTHER_LIBRARY_IS_WRONG = {"[s]G + [t]P_A is the point at infinity"}


def _fields(vector: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    return tuple(bytes.fromhex(vector[name]) for name in ("public_key", "e", "signature"))  # type: ignore[return-value]  # three names


def test_the_file_is_what_the_generator_makes() -> None:
    assert vectors() == _VECTORS
    assert sum(vector["valid"] for vector in _VECTORS) >= 50
    assert sum(not vector["valid"] for vector in _VECTORS) >= 15


@_BY_NAME
def test_the_product_judges_right(vector: dict[str, Any]) -> None:
    public_key, e, signature = _fields(vector)
    key = load_public_key(public_key)
    if vector["valid"]:
        assert key.verify_digest(SignatureAlgorithm.SM2_SM3, e, signature).public_key == public_key
    else:
        with pytest.raises(VerificationError):
            key.verify_digest(SignatureAlgorithm.SM2_SM3, e, signature)


@_BY_NAME
def test_the_other_library_judges_alike(vector: dict[str, Any]) -> None:
    public_key, e, signature = _fields(vector)
    try:
        accepted = gmssl_pyx.sm2_verify_sm3_digest(public_key[-64:], e, signature)
    except gmssl_pyx.GmsslInnerError:
        accepted = False
    assert accepted is (vector["valid"] != (vector["name"] in _OTHER_LIBRARY_IS_WRONG))
