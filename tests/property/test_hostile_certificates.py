"""Mutated certificates: whatever a sender makes of one, it is refused by type, and never reaches an anchor.

Threat: T7.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from signer.algorithms import SignatureAlgorithm
from signer.certificates import Certificate, CertificateUsage, TrustStore, judge_path
from signer.errors import Reason, RequestError, VerificationError
from tests.conformance.path_cases import NOW, issued_chain
from tests.property.mutations import mutated

_ALGORITHMS = (SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.RSA_PKCS1_SHA256)


@cache
def _chain(algorithm: SignatureAlgorithm) -> tuple[bytes, bytes, bytes]:
    return issued_chain(algorithm)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.sampled_from(_ALGORITHMS), some.data())
def test_a_changed_leaf_or_intermediate_is_never_trusted(algorithm: SignatureAlgorithm, data: some.DataObject) -> None:
    leaf, between, top = _chain(algorithm)
    trust = TrustStore((Certificate.load(top),))
    if data.draw(some.booleans()):
        leaf = data.draw(mutated(leaf))
    else:
        between = data.draw(mutated(between))
    if (leaf, between, top) == _chain(algorithm):
        return
    with pytest.raises((VerificationError, RequestError)) as caught:
        judge_path(leaf, (between,), trust, NOW, CertificateUsage.SIGNATURE)
    assert caught.value.reason in {Reason.PATH_NOT_TRUSTED, Reason.CERTIFICATE_MALFORMED}


@given(some.binary(max_size=200))
def test_garbage_is_malformed(garbage: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        Certificate.load(garbage)
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED
