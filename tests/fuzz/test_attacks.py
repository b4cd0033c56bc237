"""No variant of any published attack is taken for whole: a sample here, thousands of fresh ones in `make soak`.

Threats: T5, T32.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.deadline import Deadline
from signer.documents.verify import DocumentVerifier, Origin
from signer.pades.evidence import Integrity
from tests.fuzz.attack_rounds import Outcome, attacks, sample, verify
from tests.fuzz.attacks.classes import CLASSES
from tests.fuzz.attacks.targets import stranger, targets, trust
from tests.fuzz.document_verifier import document_verifier
from tests.fuzz.inspector_pool import inspector_pool
from tests.fuzz.rendering import shows_otherwise
from tests.fuzz.sealed_documents import RSA, SM2, own_pki

_SEED = "2026"
_AT_LENGTH = 5_000
# Whose pages or files are meant to be shown otherwise, every one of these in some viewer.
_VISIBLE = sorted(
    set(CLASSES)
    - {"universal_forgery", "signature_wrapping", "padding_junk", "truncation", "bit_flips", "cms_tricks", "time_edits"}
    - {"parser_differentials", "added_actions", "splicing"}
)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> DocumentVerifier:
    released = [document.data for document in targets() if document.ours]
    return document_verifier(tmp_path_factory.mktemp("register"), trust(), released)


def test_the_documents_themselves_are_whole(verifier: DocumentVerifier) -> None:
    for document in targets():
        report = verifier.verify(document.data, Deadline.after(600))
        assert report.integrity is Integrity.WHOLE, document.name
        assert (report.origin is Origin.ISSUED_HERE) == report.same_bytes == document.ours


@pytest.mark.parametrize("kind", CLASSES)
def test_no_variant_is_whole(verifier: DocumentVerifier, kind: str) -> None:
    print("seed", _SEED)
    outcome = Outcome()
    for document, attack in sample(kind, _SEED, documents=2, variants=6):
        verify(outcome, verifier, kind, document, attack)
    assert outcome.passed == []
    assert outcome.total() > 4


@pytest.mark.parametrize("kind", _VISIBLE)
def test_attacks_are_real(kind: str) -> None:
    """Some viewer shows, or attaches, something else than was signed: what is refused here is worth refusing."""
    for document in targets()[3:]:
        believed = [attack for attack in attacks(kind, document, _SEED) if attack.shows]
        if believed:
            assert any(shows_otherwise(attack.data, document.data) for attack in believed[:6]), document.name
            return
    for attack in attacks(kind, targets()[0], _SEED):
        if attack.shows and shows_otherwise(attack.data, targets()[0].data):
            return
    pytest.fail("no viewer shows anything else")


def test_a_sample_through_a_real_pool(tmp_path: Path) -> None:
    anchors = [pki.root for pki in (own_pki(RSA), own_pki(SM2), stranger(RSA), stranger(SM2))]
    with inspector_pool(tmp_path, anchors) as pool:
        client = pool.client()
        for kind in CLASSES:
            for document, attack in sample(kind, _SEED, documents=1, variants=1):
                report = client.inspect(attack.data)
                assert report.integrity is not Integrity.WHOLE, f"{kind}: {attack.name} on {document.name}"


def _seeds() -> Iterator[str]:
    first = os.environ.get("ATTACK_SEED") or secrets.token_hex(8)
    print(f"ATTACK_SEED={first} repeats this")
    yield first
    for count in range(2, 10):
        yield f"{first}/{count}"


@pytest.mark.soak
def test_thousands_of_fresh_variants(verifier: DocumentVerifier) -> None:
    outcome = Outcome()
    for seed in _seeds():
        for kind in CLASSES:
            for document in targets():
                for attack in attacks(kind, document, seed):
                    verify(outcome, verifier, kind, document, attack)
            print(f"{kind}: {outcome.total()} variants by now, taken for whole: {outcome.passed}", flush=True)
        if outcome.total() >= _AT_LENGTH:
            break
    print(f"{outcome.total()} variants: {dict(sorted(outcome.refused.items()))}")
    assert outcome.passed == []
    assert outcome.total() >= _AT_LENGTH
