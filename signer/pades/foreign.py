"""Judges a PDF that is not of our shape: what it is, how many pages, every signature in it, and what that makes of it.

Runs in the inspector process; the only place where a PDF parser meets a stranger's bytes. Whatever the file does, the
answer is a report. CHANGED wins over all other words: a file that bears our embedder's marks and fails our gate is a
changed copy, and so is one that holds a signature which no field leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko_certvalidator.registry import TrustManager

from signer.certificates import TrustStore
from signer.findings import FindingCode, finding
from signer.pades.evidence import Integrity, SignatureEvidence, Verdict
from signer.pades.foreign_path import trusted
from signer.pades.foreign_signature import judge_signature, locate_signature
from signer.pades.foreign_trust import Surroundings, settle_trust
from signer.pades.hybrid_tables import is_one_document
from signer.pades.inspection import MAX_SIGNATURES, InspectionReport, combine
from signer.pades.shape import ShapeMismatch, bears_our_mark, check_shape
from signer.pades.signature_gap import BYTE_RANGE
from signer.pades.signed_revision import SignatureField, entry
from signer.pades.strict_reader import open_strictly
from signer.pades.table_limits import TableLimitExceeded
from signer.pades.unreadable_from_birth import was_signed_unreadable
from signer.pades.validation_data import read_validation_data
from signer.pades.verify import SealVerifier

MAX_PAGES = 2_000
_MAX_TREE_NODES = 50_000
# pyHanko looks for the end byte by byte and takes seconds where there is none.
_END = re.compile(rb"startxref[\x00\t\n\f\r ]{1,20}\d{1,12}[\x00\t\n\f\r ]{1,20}%%EOF")
_END_LIMIT = 2_048
_MOST_OWN_REVISIONS = 8
_HEADER_LIMIT = 1_024  # ISO 32000-1, annex H: where Acrobat looks for the header


class _Unjudgeable(Exception):
    def __init__(self, code: FindingCode) -> None:
        super().__init__(code.value)
        self.code = code


def inspect_pdf(data: bytes, trust: TrustStore) -> InspectionReport:
    """The report on any bytes. Raises MemoryError alone."""
    try:
        report = _inspect(data, trust)
    except _Unjudgeable as problem:
        report = InspectionReport(Integrity.UNREADABLE, None, (finding(problem.code),))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - hostile files raise exceptions of many kinds in a parser; each is a finding
        report = InspectionReport(Integrity.UNREADABLE, None, (finding(FindingCode.DAMAGED),))
    if _is_damaged(report) and not bears_our_mark(data) and was_signed_unreadable(data):
        report = InspectionReport(Integrity.UNREADABLE, None, (finding(FindingCode.READERS_DIFFER),))
    if report.integrity is not Integrity.CHANGED and _is_altered_copy(data, trust, report):
        unsigned = finding(FindingCode.UNSIGNED)
        findings = (*(item for item in report.findings if item != unsigned), finding(FindingCode.CHANGED_AFTER_SIGNING))
        report = replace(report, integrity=Integrity.CHANGED, findings=findings)
    return report


def _inspect(data: bytes, trust: TrustStore) -> InspectionReport:
    """The report on what can be opened as a PDF. Raises _Unjudgeable, and whatever pyHanko raises."""
    anchors = trusted(tuple(anchor.der for anchor in trust.anchors))
    reader = _open(data)
    pages = _count_pages(reader)
    fields = list(_signature_fields(reader))
    signatures = _judge_all(data, reader, fields, anchors)
    integrity = combine(signatures)
    findings = [finding(FindingCode.UNSIGNED)] if integrity is Integrity.UNSIGNED else []
    if integrity is not Integrity.CHANGED and _has_hidden_signature(data, reader, fields):
        integrity, findings = Integrity.CHANGED, [finding(FindingCode.CHANGED_AFTER_SIGNING)]
    return InspectionReport(integrity, pages, tuple(findings), signatures)


def _judge_all(
    data: bytes, reader: PdfFileReader, fields: list[SignatureField], anchors: TrustManager
) -> tuple[SignatureEvidence, ...]:
    """All signatures together: each says something about the others."""
    if not fields:
        return ()
    judgements = [locate_signature(data, reader, found) for found in fields]
    placed = [(item.found, item.revision.number) for item in judgements if item.revision is not None]
    for judgement in judgements:
        judge_signature(data, reader, judgement, placed)
    settle_trust(judgements, Surroundings(anchors, read_validation_data(reader), datetime.now(UTC)))
    if not is_one_document(data, reader):
        for judgement in judgements:
            if judgement.evidence.verdict is not Verdict.FAILED:
                judgement.leave_open(FindingCode.READERS_DIFFER)
    return tuple(judgement.evidence for judgement in judgements)


def _is_altered_copy(data: bytes, trust: TrustStore, report: InspectionReport) -> bool:
    """True for a copy of one of ours that is not as we made it, and for a signed file that was damaged since."""
    if bears_our_mark(data):
        return report.integrity is not Integrity.WHOLE or not _began_as_we_made_it(data, trust, report)
    return _is_damaged(report) and BYTE_RANGE.search(data) is not None


def _is_damaged(report: InspectionReport) -> bool:
    return bool({item.code for item in report.findings} & {FindingCode.DAMAGED, FindingCode.NOT_A_PDF})


def _began_as_we_made_it(data: bytes, trust: TrustStore, report: InspectionReport) -> bool:
    """True where a signed revision passes our gate; what follows it was judged like everybody's."""
    ends = {signature.covered[2] for signature in report.signatures if signature.covered is not None}
    return any(_is_as_we_made_it(data[:end], trust) for end in sorted(ends)[:_MOST_OWN_REVISIONS])


def _is_as_we_made_it(data: bytes, trust: TrustStore) -> bool:
    try:
        shape = check_shape(data)
    except ShapeMismatch:
        return False
    verified = SealVerifier(trust).verify_all(data, shape, datetime.now(UTC))
    return all(evidence.mathematics_right for evidence in verified)


def _open(data: bytes) -> PdfFileReader:
    if b"%PDF-" not in data[:_HEADER_LIMIT]:
        raise _Unjudgeable(FindingCode.NOT_A_PDF)
    if _END.search(data, max(0, len(data) - _END_LIMIT)) is None:
        raise _Unjudgeable(FindingCode.DAMAGED)
    try:
        reader = open_strictly(data)
    except TableLimitExceeded:
        raise _Unjudgeable(FindingCode.INSPECTION_LIMIT) from None
    if reader.encrypted:
        raise _Unjudgeable(FindingCode.ENCRYPTED)
    return reader


def _count_pages(reader: PdfFileReader) -> int:
    """Pages by walking the tree, whatever it says of itself. Raises _Unjudgeable."""
    pages, seen, waiting = 0, 0, [reader.root["/Pages"]]
    visited: set[tuple[int, int]] = set()
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > _MAX_TREE_NODES or pages > MAX_PAGES:
            raise _Unjudgeable(FindingCode.TOO_MANY_PAGES)
        if "/Kids" not in node:
            pages += 1
            continue
        waiting.extend(_resolve(kid, visited) for kid in node["/Kids"])
    if pages > MAX_PAGES:
        raise _Unjudgeable(FindingCode.TOO_MANY_PAGES)
    return pages


def _resolve(item: Any, visited: set[tuple[int, int]]) -> generic.DictionaryObject:
    """The dictionary behind an entry of a tree, each reference followed once: trees have no loops."""
    if isinstance(item, generic.IndirectObject):
        if (item.idnum, item.generation) in visited:
            raise _Unjudgeable(FindingCode.DAMAGED)
        visited.add((item.idnum, item.generation))
    value = item.get_object()
    if not isinstance(value, generic.DictionaryObject):
        raise _Unjudgeable(FindingCode.DAMAGED)
    return value


def _signature_fields(reader: PdfFileReader) -> Iterator[SignatureField]:
    """Every filled signature field, whatever its sub-filter. ISO 32000-1, 12.7.3: type and value are inherited."""
    if "/AcroForm" not in reader.root:
        return
    visited: set[tuple[int, int]] = set()
    roots = entry(reader.root["/AcroForm"], "/Fields", ())
    waiting = [(item, "", "", None) for item in reversed(roots)]
    found = seen = 0
    while waiting:
        item, prefix, kind, value = waiting.pop()
        seen += 1
        node = _resolve(item, visited)
        name = ".".join(part for part in (prefix, str(entry(node, "/T", ""))) if part)
        kind = str(entry(node, "/FT", kind))
        value = entry(node, "/V", value)
        if seen > _MAX_TREE_NODES or found > MAX_SIGNATURES:
            raise _Unjudgeable(FindingCode.INSPECTION_LIMIT)
        if kind == "/Sig" and value is not None and ("/V" in node or "/Kids" not in node):
            found += 1
            yield _signature_field(name, node, value)
            continue
        waiting.extend((kid, name, kind, value) for kid in reversed(entry(node, "/Kids", ())))


def _signature_field(name: str, node: generic.DictionaryObject, value: Any) -> SignatureField:
    if not isinstance(value, generic.DictionaryObject):
        raise _Unjudgeable(FindingCode.DAMAGED)
    return SignatureField(name, node, value)


def _has_hidden_signature(data: bytes, reader: PdfFileReader, fields: list[SignatureField]) -> bool:
    """True where the raw bytes hold more signatures than fields lead to: one was cut off from its document.

    Usage rights (ISO 32000-1, 12.8.2.3) are signatures of a reader's maker outside of any field and count as known.
    """
    permissions = entry(reader.root, "/Perms", {})
    return len(BYTE_RANGE.findall(data)) > len(fields) + ("/UR3" in permissions) + ("/UR" in permissions)
