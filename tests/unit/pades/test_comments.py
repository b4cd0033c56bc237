"""Comments on documents whose certification allows them: notes are told, what may hide content is left open, all else is a change.

Threat: T5.
"""

from __future__ import annotations

import io
import subprocess
from functools import cache

import pypdfium2
import pytest
from PIL import Image, ImageChops
from pyhanko.sign.fields import MDPPerm

from signer.findings import FindingCode
from signer.pades.comment_rule import MAX_NOTES
from signer.pades.evidence import Integrity, Verdict
from tests.fuzz.attacks.alterations import with_annotation
from tests.fuzz.attacks.revisions import append
from tests.fuzz.attacks.structure import Structure, stream
from tests.fuzz.attacks.targets import packed, stranger
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2
from tests.fuzz.strangers import SigningOptions, signed_by
from tests.unit.pades.inspecting import codes, inspect

ADDED, OVER = FindingCode.COMMENTS_ADDED, FindingCode.COMMENTED_OVER
CHANGED = FindingCode.CHANGED_AFTER_SIGNING
_NEW = 9_100
_NOTE = (
    b"<</Type/Annot/Subtype/Text/F 28/Rect[%d 700 %d 720]/Contents(seen)/T(A. B.)/C[1 1 0]/Name/Comment/Open false>>"
)
_FREE = b"<</Type/Annot/Subtype/FreeText/F 4/Rect[50 50 500 800]/Contents(x)/DA(/Helv 40 Tf)>>"


@cache
def _certified(level: MDPPerm | None = MDPPerm.ANNOTATE, *, compressed: bool = False, box: bool = True) -> bytes:
    options = SigningOptions(
        certify=level is not None, permissions=level or MDPPerm.FILL_FORMS, box=(100, 100, 200, 150) if box else None
    )
    return signed_by(packed(rendered()) if compressed else rendered(), stranger(RSA), options)


def _note(at: int = 0) -> bytes:
    return _NOTE % (20 * at, 20 * at + 20)


def _commented(data: bytes, *comments: bytes, page: int = 0, **more: bytes) -> bytes:
    """`more`: objects by their numbers behind an underscore."""
    structure = Structure(data)
    first = max(_NEW, structure.size)
    numbers = range(first, first + len(comments))
    number = structure.pages[page]
    changed = {number: with_annotation(structure, number, *numbers), **dict(zip(numbers, comments, strict=True))}
    return append(structure, {**changed, **{int(name[1:]): body for name, body in more.items()}})


def _judged(data: bytes) -> tuple[Integrity, list[set[FindingCode]]]:
    report = inspect(data, stranger(RSA), stranger(SM2))
    ignored = {FindingCode.REVOCATION_NOT_CHECKED}
    return report.integrity, [codes(item) - ignored for item in report.signatures]


@pytest.mark.parametrize("compressed", [False, True], ids=["table", "streams"])
def test_notes_are_told(compressed: bool) -> None:
    signed = _certified(compressed=compressed)
    once = _commented(signed, _note(), _note(1))
    assert _judged(once) == (Integrity.WHOLE, [{ADDED}])
    again = _commented(once, _note(2), page=1)
    assert _judged(again) == (Integrity.WHOLE, [{ADDED}])
    popup = b"<</Type/Annot/Subtype/Popup/Rect[300 500 500 600]/Parent %d 0 R>>" % _NEW
    assert _judged(_commented(signed, _note(), popup)) == (Integrity.WHOLE, [{ADDED}])


def test_notes_before_and_after_a_further_signature() -> None:
    """The second signer says nothing about comments, so after his signature they are changes of what he signed."""
    options = SigningOptions(field="Sig2", box=None)
    noted = _commented(_certified(), _note())
    further = {FindingCode.FURTHER_SIGNATURES}
    assert _judged(signed_by(noted, stranger(SM2), options)) == (Integrity.WHOLE, [{ADDED} | further, set()])
    signed = signed_by(_certified(), stranger(SM2), options)
    assert _judged(_commented(signed, _note())) == (Integrity.CHANGED, [{ADDED} | further, {CHANGED}])


@pytest.mark.parametrize(
    "comment",
    [
        _FREE,
        _note().replace(b"/Name/Comment", b"/AP<</N 9200 0 R>>"),
        _note().replace(b"/Name/Comment", b"/Name/Mine"),
        _note().replace(b"/Open false", b"/Open true"),
        _note().replace(b"/Rect[0 700 20 720]", b"/Rect[0 0 600 720]"),
        b"<</Type/Annot/Subtype/Highlight/F 4/Rect[0 0 90 90]/QuadPoints[0 90 90 90 0 0 90 0]/C[0 0 0]>>",
        b"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 90 90]/AP<</N 9200 0 R>>>>",
    ],
)
def test_comments_that_draw_are_left_open(comment: bytes) -> None:
    picture = stream(b"1 0 0 rg 0 0 90 90 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 90 90]")
    data = _commented(_certified(), comment, _9200=picture) if b"9200" in comment else _commented(_certified(), comment)
    assert _judged(data) == (Integrity.UNREADABLE, [{OVER}])
    report = inspect(data, stranger(RSA))
    assert report.signatures[0].verdict is Verdict.INDETERMINATE
    assert not report.signatures[0].trusted


def test_so_many_notes_that_they_cover_something() -> None:
    few = [_note(at) for at in range(MAX_NOTES)]
    assert _judged(_commented(_certified(), *few)) == (Integrity.WHOLE, [{ADDED}])
    assert _judged(_commented(_certified(), *few, _note(21))) == (Integrity.UNREADABLE, [{OVER}])


@pytest.mark.parametrize("level", [None, MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS])
def test_without_permission_each_comment_is_a_change(level: MDPPerm | None) -> None:
    for comment in (_note(), _FREE):
        assert _judged(_commented(_certified(level), comment)) == (Integrity.CHANGED, [{CHANGED}])


@pytest.mark.parametrize(
    "annotation",
    [
        b"<</Type/Annot/Subtype/Redact/Rect[0 0 90 90]>>",
        b"<</Type/Annot/Subtype/Link/Rect[0 0 90 90]/A<</S/URI/URI(https://example.org)>>>>",
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(x)/Rect[0 0 90 90]>>",
        b"<</Type/Annot/Subtype/Watermark/Rect[0 0 90 90]>>",
        _note().replace(b"/Name/Comment", b"/A<</S/URI/URI(https://example.org)>>"),
        stream(b"", b"/Type/Annot/Subtype/Text/Rect[0 0 9 9]"),
    ],
)
def test_what_is_no_comment_is_a_change(annotation: bytes) -> None:
    assert _judged(_commented(_certified(), annotation)) == (Integrity.CHANGED, [{CHANGED}])


def test_beside_a_comment_nothing_else_changes() -> None:
    signed = _certified()
    structure = Structure(signed)
    page = structure.pages[0]
    noted = with_annotation(structure, page, _NEW)
    for changes in (
        {page: noted.replace(b"/Contents", b"/Content5"), _NEW: _note()},
        {page: noted, _NEW: _note(), structure.content_number(page): stream(b"")},
        {page: structure.dictionary(page, Annots=b"[%d 0 R]" % _NEW), _NEW: _note()},
        {page: noted, _NEW: _note(), _NEW + 1: b"<</Unused true>>"},
        {page: structure.dictionary(page, Annots=None)},
    ):
        assert _judged(append(structure, changes)) == (Integrity.CHANGED, [{CHANGED}])


def test_comments_that_are_changed_later_are_changes() -> None:
    noted = _commented(_certified(), _note())
    other = append(Structure(noted), {_NEW: _FREE})
    assert _judged(other) == (Integrity.CHANGED, [{CHANGED}])


def test_a_comment_gives_no_body_to_what_the_page_already_names() -> None:
    """A page that was prepared with contents under a number that no object had yet (shadow attack, hide and replace)."""
    structure = Structure(rendered())
    page, later = structure.pages[0], 9_150
    both = b"[%d 0 R %d 0 R]" % (structure.content_number(page), later)
    prepared = append(structure, {page: structure.dictionary(page, Contents=both)}).replace(b"/Size 9151", b"/Size 30")
    options = SigningOptions(certify=True, permissions=MDPPerm.ANNOTATE, box=None)
    signed = signed_by(prepared, stranger(RSA), options)
    body = _note().replace(b"/Name/Comment", b"/RC %d 0 R" % later)
    data = _commented(signed, body, _9150=stream(b"1 0 0 rg 0 0 900 900 re f"))
    assert _judged(data)[0] is Integrity.CHANGED


def _drawn(data: bytes) -> tuple[Image.Image, Image.Image]:
    """Page 1 in two engines, a pixel for each point."""
    command = ["pdftoppm", "-r", "72", "-l", "1", "-singlefile", "-png", "-"]
    poppler = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    document = pypdfium2.PdfDocument(data)
    document.init_forms()
    return Image.open(io.BytesIO(poppler)).convert("RGB"), document[0].render(scale=1).to_pil().convert("RGB")


def test_readers_draw_a_note_as_a_small_icon() -> None:
    """What the rule relies on, for two engines: whatever a note says and however long, its icon is small and in its place."""
    plain = rendered()
    long = _note(5).replace(b"(seen)", b"(%b)" % (b"Sum insured 9,000,000. " * 200))
    popup = b"<</Type/Annot/Subtype/Popup/Rect[0 0 595 842]/Parent %d 0 R>>" % _NEW
    pairs = zip(_drawn(plain), _drawn(_commented(plain, long, popup)), strict=True)
    boxes = [ImageChops.difference(before, after).getbbox() for before, after in pairs]
    assert all(box is None or max(box[2] - box[0], box[3] - box[1]) <= 40 for box in boxes)
    assert any(boxes), "no engine drew the note"
