"""Files that readers may read differently: judged where it can't matter, left open where it can, and called changed only if they were.

Threat: T5.
"""

from __future__ import annotations

import re

import pytest

from signer.findings import FindingCode
from signer.pades.evidence import Integrity, Verdict
from tests.fuzz.attacks.targets import stranger
from tests.fuzz.benign.sources import source
from tests.fuzz.hostile_pdfs import append_revision
from tests.fuzz.hybrid_pdf import Hidden, hybrid_pdf
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2
from tests.fuzz.strangers import PKCS7, SigningOptions, signed_by
from tests.unit.pades.inspecting import codes, inspect, only

_SIGNER = stranger(RSA)
_UNITED = "poppler, united"


def _flipped(data: bytes, word: bytes) -> bytes:
    at = data.index(word)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("update", [False, True], ids=["beside the table", "beside an empty one"])
def test_a_hybrid_file_that_hides_its_structure_tree_is_whole(update: bool) -> None:
    for algorithm in (RSA, SM2):
        data = signed_by(hybrid_pdf(2, update=update), stranger(algorithm))
        report = inspect(data, stranger(algorithm))
        assert (report.integrity, report.pages) == (Integrity.WHOLE, 2)
        assert only(report).verdict is Verdict.PASSED


def test_what_hangs_on_hidden_objects_is_left_open() -> None:
    data = signed_by(hybrid_pdf(hidden=Hidden.FONT), _SIGNER)
    report = inspect(data, _SIGNER)
    assert report.integrity is Integrity.UNREADABLE
    assert only(report).verdict is Verdict.INDETERMINATE
    assert not only(report).trusted
    assert only(report).has(FindingCode.READERS_DIFFER)
    changed = inspect(_flipped(data, b"Insured sum"), _SIGNER)
    assert changed.integrity is Integrity.CHANGED


def test_the_hidden_part_is_covered_by_the_signature() -> None:
    """A table that is covered, with its stream behind the signature."""
    signed = signed_by(hybrid_pdf(), _SIGNER)
    row = re.search(rb"/XRefStm (\d+)", signed)
    assert row is not None
    moved = signed[: row.start(1)] + b"%0*d" % (len(row[1]), len(signed)) + signed[row.end(1) :]
    assert inspect(moved, _SIGNER).integrity is Integrity.CHANGED


def test_a_sloppy_row_of_object_0_does_not_matter() -> None:
    data = signed_by(source("pillow"), _SIGNER)
    assert b"0000000000 65536 f" in data
    assert inspect(data, _SIGNER).integrity is Integrity.WHOLE
    assert inspect(_flipped(data, b"/MediaBox"), _SIGNER).integrity is Integrity.CHANGED
    other = data.replace(b"0000000000 65536 f", b"0000000000 65537 f")
    assert inspect(other, _SIGNER).integrity is Integrity.CHANGED


@pytest.mark.parametrize("options", [SigningOptions(), SigningOptions(PKCS7, box=None)])
def test_what_was_signed_broken_is_left_open(options: SigningOptions) -> None:
    for algorithm in (RSA, SM2):
        report = inspect(signed_by(source(_UNITED), stranger(algorithm), options), stranger(algorithm))
        assert (report.integrity, report.signatures) == (Integrity.UNREADABLE, ())
        assert codes(report) == {FindingCode.READERS_DIFFER}


def test_what_was_signed_broken_and_changed_is_changed() -> None:
    signed = signed_by(source(_UNITED), _SIGNER)
    for data in (
        _flipped(signed, b"/MediaBox"),
        signed.replace(b"/Reason (signed", b"/Reason (Signed"),
        re.sub(rb"/ByteRange \[0 (\d+)", lambda match: b"/ByteRange [1 " + match[1], signed),
    ):
        assert data != signed
        assert inspect(data, _SIGNER).integrity is Integrity.CHANGED


def test_damage_that_came_after_a_signature_is_a_change() -> None:
    signed = signed_by(rendered(), _SIGNER)
    broken = append_revision(signed, {9_000: b"null"}).replace(b"/Size 9001", b"/Size 9")
    assert inspect(broken, _SIGNER).integrity is Integrity.CHANGED
    again = signed_by(broken, stranger(SM2), SigningOptions(field="Sig2", box=None))
    assert inspect(again, _SIGNER, stranger(SM2)).integrity is Integrity.CHANGED


def test_what_follows_a_broken_file_is_left_open() -> None:
    """Nobody can tell whether it was a change; that it is not whole is sure."""
    signed = signed_by(source(_UNITED), _SIGNER)
    report = inspect(append_revision(signed, {9_000: b"null"}), _SIGNER)
    assert report.integrity is Integrity.UNREADABLE
