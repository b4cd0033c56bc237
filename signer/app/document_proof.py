"""Which log entries belong to a document: from the database, and for a sealed file also by its own signature. Reads only.

An entry holds a keyed digest of what the token signed. For a file of ours that digest is made again, so that the entry is this seal's and
no other's. Joins rooms: `archive`, `audit`, `pades`, `cms`. Not for judging the file: VerifyDocument does that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from signer.algorithms import digest_name, load_public_key, sm3
from signer.archive.catalogue import Catalogue, ReleasedDocument
from signer.audit import KeyedDigest
from signer.audit.receipt import ProvenReceipt, SignedTree
from signer.certificates import Certificate
from signer.cms import object_identifiers as oid
from signer.cms.signer_info import SignerInfo, read_signed_data
from signer.cms.verify import verify_read_signed_data
from signer.config import ApplianceConfig
from signer.database.engine import Database
from signer.errors import ConfigurationError, Reason, RequestError, VerificationError
from signer.pades.shape import ShapeMismatch, check_shape

_NOT_OURS = "Give the id of a document that this appliance issued, or the file as it was issued."


@dataclass(frozen=True)
class DocumentProof:
    """A released document's receipts, proven. `seal_matches`: one of the entries is of the file's own seal; None without a file."""

    document: ReleasedDocument
    receipts: tuple[ProvenReceipt, ...]
    seal_matches: bool | None


def prove_document(
    config: ApplianceConfig, tree: SignedTree, *, document_id: str = "", pdf: bytes = b"", cosigned: bool = False
) -> DocumentProof:
    """The proof for an id, or for a file that is in the issue register byte for byte.

    Raises:
        RequestError: INPUT_MALFORMED, no such document. ApplianceError: LOG_BEHIND, LOG_ARCHIVED, DATABASE_UNAVAILABLE.
        ConfigurationError, ProofError: LOG_DAMAGED, the log has another entry there than the database says.
    """
    document = _find(config, document_id, pdf)
    receipts = []
    for stored in document.receipts:
        if stored.log_id != config.log.log_id:
            raise RequestError(
                Reason.LOG_UNKNOWN,
                f"its entry is in the log {stored.log_id}",
                "Give that log's directory, and its key.",
            )
        receipt = tree.receipt(stored.index, cosigned=cosigned)
        if receipt.entry != stored.entry:
            raise ConfigurationError(
                Reason.LOG_DAMAGED,
                f"entry {stored.index} of the log is not the one that the database keeps with the document",
                "Keep both as evidence; run signer audit fsck.",
            )
        receipts.append(receipt)
    matches = None
    if pdf:
        subject = KeyedDigest.from_file(config.keyed_digest_file).of(_signed_digest(pdf))
        matches = any(json.loads(receipt.entry).get("subject") == subject for receipt in receipts)
    return DocumentProof(document, tuple(receipts), matches)


def _find(config: ApplianceConfig, document_id: str, pdf: bytes) -> ReleasedDocument:
    database = Database.from_config(config.database)
    try:
        catalogue = Catalogue(database, owner="audit")
        if pdf:
            revision = catalogue.find_revision(sm3=sm3.digest(pdf))
            document_id = "" if revision is None else revision.document_id
        document = catalogue.find_released(document_id) if document_id else None
    finally:
        database.close()
    if document is None:
        raise RequestError(Reason.INPUT_MALFORMED, "no released document of this appliance", _NOT_OURS)
    return document


def _signed_digest(pdf: bytes) -> bytes:
    """What went to the token for the file's seal. Raises RequestError for a file that our embedder did not make."""
    try:
        seal = check_shape(pdf).seals[-1]
        signed = read_signed_data(seal.content)
        evidence = verify_read_signed_data(signed, detached_digest=seal.digest(pdf, _digest_name(signed.signer)))
    except (ShapeMismatch, ValueError, VerificationError):
        raise RequestError(Reason.INPUT_MALFORMED, "not a file that this appliance sealed", _NOT_OURS) from None
    key = load_public_key(Certificate.load(evidence.signer_certificate).public_key)
    return key.digest_of(evidence.algorithm, signed.signer.signed_attributes)


def _digest_name(signer: SignerInfo) -> str:
    algorithm = oid.find_algorithm(signer.digest, signer.signature_algorithm, signer.signature_parameters)
    if algorithm is None:
        raise ValueError("an unknown algorithm")
    return digest_name(algorithm)
