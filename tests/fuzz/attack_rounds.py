"""Goes through classes of attacks and documents, verifies every variant, and collects those that were not refused."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from signer.deadline import Deadline
from signer.documents.verify import DocumentVerifier
from signer.pades.evidence import Integrity
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.classes import CLASSES
from tests.fuzz.attacks.targets import targets

# Information that no page shows, in files of others. pyHanko's difference rules let any revision write it anew, since
# every program that appends one does; telling a new title from a new date is not done yet.
NOT_REFUSED_YET = frozenset({"metadata replaced", "information replaced"})


@dataclass
class Outcome:
    """`refused`: distinct variants by class and answer. `passed`: descriptions of those that were taken for whole."""

    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    passed: list[str] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def total(self, kind: str | None = None) -> int:
        """Distinct variants, of one class or of all."""
        return sum(count for (name, _), count in self.refused.items() if kind in {None, name})


def attacks(kind: str, document: SignedDocument, seed: str) -> Iterator[Attack]:
    """The variants of one class of one document."""
    yield from CLASSES[kind](document, Random(f"{seed}/{kind}/{document.name}"))


def sample(kind: str, seed: str, documents: int, variants: int) -> Iterator[tuple[SignedDocument, Attack]]:
    """Some variants of a class over some documents that it has variants of."""
    chance = Random(f"{seed}/{kind}")
    for document in chance.sample(targets(), len(targets())):
        found = list(attacks(kind, document, seed))
        if found:
            for attack in chance.sample(found, min(variants, len(found))):
                yield document, attack
            documents -= 1
        if not documents:
            return


def verify(outcome: Outcome, verifier: DocumentVerifier, kind: str, document: SignedDocument, attack: Attack) -> None:
    """Adds one variant's outcome. An attack that is the document itself is a defect of its generator."""
    where = f"{kind}: {attack.name} on {document.name}"
    assert attack.data != document.data, f"{where} changes nothing"
    digest = hashlib.sha256(attack.data).digest()
    if digest in outcome.seen:
        return
    outcome.seen.add(digest)
    report = verifier.verify(attack.data, Deadline.after(600))
    outcome.refused[kind, report.integrity.value] += 1
    taken = report.integrity is Integrity.WHOLE or report.same_bytes
    if taken and (document.ours or attack.name not in NOT_REFUSED_YET):
        outcome.passed.append(where)
