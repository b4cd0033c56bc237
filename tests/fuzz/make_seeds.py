"""Makes fuzzers' first seeds from the generators of this folder: `python -m tests.fuzz.make_seeds DIRECTORY`.

Small files by intention: signatures with room for no more than they need. What a run finds beyond them is merged into
tests/fuzz/corpus by `scripts/keep_fuzz_corpus.sh`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random

from signer.algorithms import SignatureAlgorithm, digest_name, sm3
from signer.cms.signed_data import Identifiers, SignedDataBuilder
from signer.pades.embed import prepare
from tests.conformance.electronic_seal_asn1 import Draft
from tests.conformance.message_signers import signer
from tests.fuzz.attacks.attack import SignedDocument
from tests.fuzz.attacks.classes import CLASSES
from tests.fuzz.attacks.targets import packed, stranger, trust
from tests.fuzz.fuzz_targets import CONTENT
from tests.fuzz.hostile_pdfs import lies, pages
from tests.fuzz.hybrid_pdf import hybrid_pdf
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2
from tests.fuzz.signature_frame import framed_digest
from tests.fuzz.strangers import SigningOptions, signed_by, with_validation_data
from tests.unit.cms.composed_messages import Message

_LARGEST = 16_000


def verifier_seeds(chance: Random) -> Iterator[bytes]:
    """Signed files of each shape, attacked ones, and files that lie."""
    options = SigningOptions(box=None, reserve=6_000)
    for unsigned in (pages(2), hybrid_pdf(), packed(pages(1))):
        for algorithm in (RSA, SM2):
            pki = stranger(algorithm)
            data = signed_by(unsigned, pki, options)
            yield data
            document = SignedDocument("seed", data, unsigned, trust(), partial(signed_by, pki=pki, options=options))
            for variants in CLASSES.values():
                yield from (attack.data for attack in islice(variants(document, chance), 2))
    for algorithm in (RSA, SM2):
        yield _ours(algorithm)
        yield _over_the_frame(algorithm)
    yield from seal_seeds(chance)
    yield with_validation_data(signed_by(pages(1), stranger(RSA), options), stranger(RSA))
    yield from (data for _, data in lies())


def _ours(algorithm: SignatureAlgorithm) -> bytes:
    """A small file that our embedder sealed."""
    pki = stranger(algorithm)
    prepared = prepare(
        rendered(1, attachment=False),
        signer_name="x",
        signed_at=datetime(2026, 11, 1, tzinfo=UTC),
        contents_reserve=3_000,
    )
    builder = SignedDataBuilder.for_certificate(pki.certificate, pki.chain, algorithm, identifiers=Identifiers.RFC_5652)
    return prepared.fill(builder.build(prepared.digest(digest_name(algorithm)), pki.key.sign, content=None))


def _over_the_frame(algorithm: SignatureAlgorithm) -> bytes:
    """A right signature of the file that `fuzz_verifier` puts signatures into."""
    pki = stranger(algorithm)
    builder = SignedDataBuilder.for_certificate(pki.certificate, pki.chain, algorithm, identifiers=Identifiers.RFC_5652)
    return builder.build(framed_digest(digest_name(algorithm)), pki.key.sign, content=None)


def cms_seeds(chance: Random) -> Iterator[bytes]:
    """Messages of each algorithm, attached and detached, with and without attributes."""
    for algorithm in SignatureAlgorithm:
        if algorithm is SignatureAlgorithm.UNSPECIFIED:
            continue
        for identifiers in Identifiers:
            for attached in (True, False):
                yield signer(algorithm).cms(CONTENT, attached=attached, identifiers=identifiers)
        yield Message(algorithm, content=CONTENT, signed_content=CONTENT, without_attributes=True).encoded()


def seal_seeds(chance: Random) -> Iterator[bytes]:
    """Seals and seal signatures of three generations."""
    for version in (1, 4, 5):
        for by_digests in (False, True):
            draft = Draft(version=version, by_digests=by_digests)
            yield draft.made_seal()
            yield draft.made_signature(sm3.digest(CONTENT))


def main() -> None:
    """Writes all of them, named by their digests."""
    directory = Path(sys.argv[1])
    for name, seeds in (("verifier", verifier_seeds), ("cms", cms_seeds), ("seal", seal_seeds)):
        (directory / name).mkdir(parents=True, exist_ok=True)
        for seed in seeds(Random(1)):
            if len(seed) <= _LARGEST:
                (directory / name / sha256(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main()
