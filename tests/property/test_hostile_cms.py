"""Mutated CMS: refused by type, or it still says what its signer signed. Nothing else ever comes out.

Threat: T7.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from signer.algorithms import SignatureAlgorithm as Algorithm
from signer.algorithms import content_digest
from signer.cms.signed_data import Identifiers
from signer.cms.verify import SignedDataEvidence, verify_signed_data
from signer.errors import Reason, RequestError, VerificationError
from tests.conformance.message_signers import signer
from tests.property.mutations import mutated
from tests.unit.cms.composed_messages import Message

CONTENT = b"the sum is 1234.56"
_REASONS = {Reason.CMS_MALFORMED, Reason.INPUT_AMBIGUOUS, Reason.INPUT_MISSING}
_FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def _message(algorithm: Algorithm, identifiers: Identifiers, attached: bool) -> bytes:
    return signer(algorithm).cms(CONTENT, attached=attached, identifiers=identifiers)


@cache
def _bare_message(algorithm: Algorithm) -> bytes:
    return Message(algorithm, content=CONTENT, signed_content=CONTENT, without_attributes=True).encoded()


def _judge(cms: bytes, **given_content: bytes) -> SignedDataEvidence | None:
    try:
        return verify_signed_data(cms, **given_content)
    except RequestError as problem:
        if problem.reason not in _REASONS:
            raise
    except VerificationError:
        pass
    return None


_KINDS = some.sampled_from([Algorithm.SM2_SM3, Algorithm.RSA_PKCS1_SHA256, Algorithm.RSA_PSS_SHA512])


def _attached_mutations(algorithm: Algorithm, data: some.DataObject) -> None:
    original = _message(algorithm, data.draw(some.sampled_from(Identifiers)), True)
    evidence = _judge(data.draw(mutated(original)))
    if evidence is not None:
        assert evidence.content == CONTENT
        assert evidence.signer_certificate == signer(algorithm).certificate
        assert evidence.algorithm is algorithm
        assert evidence.names_its_certificate


def _detached_mutations(algorithm: Algorithm, data: some.DataObject) -> None:
    cms = data.draw(mutated(_message(algorithm, Identifiers.RFC_5652, False)))
    evidence = _judge(cms, detached_digest=content_digest(algorithm, CONTENT))
    if evidence is not None:
        assert evidence.signer_certificate == signer(algorithm).certificate
        assert evidence.content is None
    assert _judge(cms, detached_content=CONTENT + b".") is None


@settings(_FAST, max_examples=400)
@given(_KINDS, some.data())
def test_attached(algorithm: Algorithm, data: some.DataObject) -> None:
    _attached_mutations(algorithm, data)


@settings(_FAST, max_examples=200)
@given(_KINDS, some.data())
def test_detached(algorithm: Algorithm, data: some.DataObject) -> None:
    _detached_mutations(algorithm, data)


@settings(_FAST, max_examples=200)
@given(_KINDS, some.data())
def test_without_attributes_the_content_is_still_the_signers(algorithm: Algorithm, data: some.DataObject) -> None:
    evidence = _judge(data.draw(mutated(_bare_message(algorithm))))
    assert evidence is None or evidence.content == CONTENT


@settings(_FAST, max_examples=300)
@given(some.binary(max_size=300))
def test_garbage(garbage: bytes) -> None:
    assert _judge(garbage) is None


@pytest.mark.soak
@settings(_FAST, max_examples=30_000)
@given(_KINDS, some.data())
def test_attached_at_length(algorithm: Algorithm, data: some.DataObject) -> None:
    _attached_mutations(algorithm, data)


@pytest.mark.soak
@settings(_FAST, max_examples=15_000)
@given(_KINDS, some.data())
def test_detached_at_length(algorithm: Algorithm, data: some.DataObject) -> None:
    _detached_mutations(algorithm, data)


@pytest.mark.parametrize("algorithm", [Algorithm.SM2_SM3, Algorithm.RSA_PKCS1_SHA256], ids=["sm2", "rsa"])
def test_every_single_byte(algorithm: Algorithm) -> None:
    """Every byte of a message, three other values each: what is accepted still says the same."""
    original = _message(algorithm, Identifiers.RFC_5652, True)
    for position in range(len(original)):
        for change in (0x01, 0x80, original[position] or 0xFF):
            changed = bytearray(original)
            changed[position] ^= change
            evidence = _judge(bytes(changed))
            assert evidence is None or (evidence.content, evidence.signer_certificate) == (
                CONTENT,
                signer(algorithm).certificate,
            )
