"""What a PDF's security store (DSS) holds: certificates, CRLs and OCSP responses, as far as they can be used. ISO 32000-2, 12.8.4.3.

Bounded: a file can't make its judge read more than honest files have. Nothing here is believed because it is in the file; whoever uses a
list or response checks its signature. What stands beside the store (revocation archives inside of a CMS) is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from asn1crypto import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader

from signer.certificates.ocsp import OcspResponse
from signer.certificates.revocation import RevocationList, RevocationLists
from signer.certificates.revocation_status import RevocationKnowledge
from signer.errors import SignerError
from signer.pades.signed_revision import entry

_MAX_ITEMS = 100
_MAX_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True)
class ValidationData:
    """`revision`: the first one that has a store, None where there is none."""

    certificates: tuple[x509.Certificate, ...] = ()
    knowledge: RevocationKnowledge = field(default_factory=RevocationKnowledge)
    revision: int | None = None

    @property
    def speaks_of_revocation(self) -> bool:
        """Whether there is any list or response."""
        return bool(self.knowledge.lists.lists or self.knowledge.responses)


def read_validation_data(reader: PdfFileReader) -> ValidationData:
    """The store of the last revision. Raises whatever pyHanko raises on hostile files."""
    store = entry(reader.root, "/DSS", None)
    if not isinstance(store, generic.DictionaryObject):
        return ValidationData()
    certificates = [x509.Certificate.load(der) for der in _streams(store, "/Certs", DecodePurpose.CERTIFICATE)]
    return ValidationData(
        certificates=tuple(certificates),
        knowledge=RevocationKnowledge(
            RevocationLists(tuple(_lists(store))),
            tuple(_responses(store)),
        ),
        revision=_first_revision(reader),
    )


def _lists(store: generic.DictionaryObject) -> Iterator[RevocationList]:
    for der in _streams(store, "/CRLs", DecodePurpose.CRL):
        try:
            yield RevocationList.load(der)
        except SignerError:
            continue  # a list that can't be read says nothing


def _responses(store: generic.DictionaryObject) -> Iterator[OcspResponse]:
    for der in _streams(store, "/OCSPs", DecodePurpose.OCSP_RESPONSE):
        try:
            yield OcspResponse.load(der)
        except SignerError:
            continue


def _streams(store: generic.DictionaryObject, key: str, purpose: DecodePurpose) -> Iterator[bytes]:
    left = _MAX_BYTES
    for item in list(entry(store, key, ()))[:_MAX_ITEMS]:
        stream = item.get_object()
        if not isinstance(stream, generic.StreamObject):
            continue
        data: bytes = stream.read_data(purpose)
        left -= len(data)
        if left < 0:
            return
        yield data


def _first_revision(reader: PdfFileReader) -> int | None:
    for number in range(reader.xrefs.total_revisions):
        with suppress(KeyError):  # the first of a linearised file's two tables knows no catalog
            if "/DSS" in reader.get_historical_root(number):
                return number
    return None
