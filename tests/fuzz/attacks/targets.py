"""The documents that attacks are made of: our own, and files as others make and sign them. Made once in a process.

Foreign shapes: a table, a table in a stream, object streams, a hybrid file, a form, attachments; signed with RSA and SM2,
in PAdES and plain CMS, certified at each level, twice, with validation data and archive timestamps.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache, partial

import pikepdf
from pyhanko.sign.fields import MDPPerm

from signer.certificates import Certificate, TrustStore
from tests.fuzz import strangers
from tests.fuzz.attacks.attack import SignedDocument
from tests.fuzz.hybrid_pdf import hybrid_pdf
from tests.fuzz.long_lived_documents import (
    time_authority,
    with_archive_timestamp,
    with_timestamped_seal,
    with_validation_data,
)
from tests.fuzz.rendered_documents import rendered, rendered_with_code
from tests.fuzz.sealed_documents import PLACES, RSA, SM2, Pki, new_pki, own_pki, seal
from tests.fuzz.strangers import PKCS7, SigningOptions, signed_by

Sign = Callable[[bytes], bytes]


@cache
def trust() -> TrustStore:
    """Our own roots and those of the strangers."""
    everybody = (own_pki(RSA), own_pki(SM2), stranger(RSA), stranger(SM2))
    roots = [*(pki.root for pki in everybody), *(time_authority(sm2=sm2).certificate for sm2 in (False, True))]
    return TrustStore(tuple(Certificate.load(root) for root in roots))


@cache
def stranger(algorithm: object) -> Pki:
    """A signer who is known but not we."""
    return new_pki(RSA if algorithm is RSA else SM2, "Stranger")


def _own(algorithm: object) -> SignedDocument:
    unsigned = rendered_with_code(f"P-{id(algorithm) % 997}")
    pki = own_pki(RSA if algorithm is RSA else SM2)
    name = f"ours, {pki.algorithm.name}"
    return SignedDocument(name, seal(unsigned, pki), unsigned, trust(), ours=True)


def _kept(algorithm: object, *, archived: bool) -> SignedDocument:
    """PAdES B-LT, or B-LTA with an archive timestamp and another one over it."""
    unsigned = rendered_with_code(f"L-{archived}")
    pki = own_pki(RSA if algorithm is RSA else SM2)
    document = with_timestamped_seal(unsigned, pki, place=PLACES[0], certification=2)
    document = with_validation_data(document, pki)
    if archived:
        document = with_archive_timestamp(with_archive_timestamp(document), sm2=True)
    name = f"ours, {'LTA' if archived else 'LT'}, {pki.algorithm.name}"
    return SignedDocument(name, document.data, unsigned, trust(), ours=True)


def _dual(first: object, second: object) -> SignedDocument:
    """Sealed by both kinds of keys, in this order, and archived."""
    unsigned = rendered_with_code("D-1")
    pkis = [own_pki(RSA if algorithm is RSA else SM2) for algorithm in (first, second)]
    document = with_timestamped_seal(unsigned, pkis[0], place=PLACES[0], certification=2)
    document = with_timestamped_seal(document, pkis[1], place=PLACES[1])
    document = with_archive_timestamp(with_validation_data(document, *pkis))
    return SignedDocument(
        f"ours, {pkis[0].algorithm.name} and then the other", document.data, unsigned, trust(), ours=True
    )


def _foreign(
    name: str, unsigned: bytes, pki: Pki, options: SigningOptions | None = None, then: Sign = lambda data: data
) -> SignedDocument:
    """`then`: what was appended afterwards, lawfully."""
    sign = partial(signed_by, pki=pki, options=options or SigningOptions())

    def complete(data: bytes) -> bytes:
        return then(sign(data))

    permissions = int(options.permissions.value) if options and options.certify else 0
    return SignedDocument(name, complete(unsigned), unsigned, trust(), complete, permissions=permissions)


def packed(pdf: bytes) -> bytes:
    """The same document with object streams and a table in a stream."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        output = io.BytesIO()
        opened.save(output, object_stream_mode=pikepdf.ObjectStreamMode.generate, static_id=True)
    return output.getvalue()


@cache
def targets() -> tuple[SignedDocument, ...]:
    """All of them."""
    rsa, sm2 = stranger(RSA), stranger(SM2)
    plain, form = rendered(), strangers.with_text_field(rendered(2))
    again = SigningOptions(field="Sig2", box=(300, 100, 400, 150))
    return (
        _own(RSA),
        _own(SM2),
        _foreign("table, RSA", plain, rsa),
        _foreign("table, SM2", plain, sm2),
        _foreign("plain CMS", rendered(3, link=True), rsa, SigningOptions(PKCS7)),
        _foreign("object streams", packed(plain), rsa),
        _foreign("hybrid", hybrid_pdf(), rsa),
        _foreign("form", form, sm2, SigningOptions(box=None)),
        *(
            _foreign(f"certified {level.value}", form, rsa, SigningOptions(certify=True, permissions=level))
            for level in MDPPerm
        ),
        _foreign("twice", plain, rsa, then=lambda data: signed_by(data, sm2, again)),
        _foreign("validation data", plain, rsa, then=lambda data: strangers.with_validation_data(data, rsa)),
        _foreign(
            "archive timestamp",
            plain,
            rsa,
            then=lambda data: strangers.with_document_timestamp(strangers.with_validation_data(data, rsa), rsa),
        ),
        _kept(RSA, archived=False),
        _kept(SM2, archived=True),
        _dual(RSA, SM2),
        _dual(SM2, RSA),
    )
