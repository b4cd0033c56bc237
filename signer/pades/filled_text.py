"""What a text field that was filled in after a signature may look like: text in its own place, over nothing that was signed.

Shadow attacks (hide, replace) fill a field with a picture, or with letters that are pictures. So: the new picture has the field's own box,
writes text and nothing else, and its fonts' letters are no drawings (Type 3). Any font has letters that hide what is below, so a field
that lies over text of the signed page, when it is filled in, leaves open what is hidden. Pictures below a field are not looked at: on
scanned forms fields lie over the scan.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's resolvers have no types.
from __future__ import annotations

import re
from collections.abc import Container, Iterator, Set

import pypdfium2
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from signer.findings import FindingCode
from signer.pades.page_tree import annotation_references, page_references
from signer.pades.signature_gap import GapProblem
from signer.pades.signed_revision import entry, subdictionary

_MAX_PICTURE_BYTES = 1 << 20
_TEXT_OPERATORS = frozenset(
    b"q Q cm BT ET Tf Td TD Tm T* Tc Tw Tz TL Ts Tr Tj TJ ' \" g G rg RG k K w re W W* n BMC BDC EMC MP DP".split()
)
_PAINT_OPERATORS = frozenset(b"f F f* S s m l h".split())
_TOKEN = re.compile(
    rb"[\x00\t\n\f\r ]+|%[^\r\n]*|<<|>>|[\[\]{}]|<[0-9A-Fa-f\x00\t\n\f\r ]*>|/[^\x00\t\n\f\r ()<>\[\]{}/%]*"
    rb"|[+-]?[0-9.]+|(?P<operator>[A-Za-z'\"*0-9]+)|(?P<string>\()"
)
# Points: rounding, and frames that are drawn half outside.
_TOLERANCE = 1.5
# What forms print where something is to be written.
_PLACEHOLDERS = " \t\r\n_.…·-–—:：□"


def check_text_picture(
    before: generic.DictionaryObject, widget: generic.DictionaryObject, size: tuple[float, float]
) -> None:
    """The new picture of a field of that size, if there is one. Background and frame only where the signed field had them (/MK).

    Raises:
        GapProblem: CHANGED_AFTER_SIGNING.
        Exception: whatever pyHanko raises on hostile files.
    """
    pictures = subdictionary(widget, "/AP")
    if set(pictures) - {"/N"}:
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    picture = entry(pictures, "/N", None)
    if picture is None:
        return
    style = subdictionary(before, "/MK")
    allowed = _TEXT_OPERATORS | (_PAINT_OPERATORS if {"/BG", "/BC"} & set(style) else frozenset())
    if not isinstance(picture, generic.StreamObject) or not _operators(picture.data) <= allowed:
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    if not _has_size(picture, size):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    check_fonts(subdictionary(picture, "/Resources"))


def check_fonts(resources: generic.DictionaryObject, known: Container[str] = ()) -> None:
    """No font's letters are drawings of the document's own (ISO 32000-1, 9.6.5). `known`: names of fonts that were signed.

    Raises:
        GapProblem: CHANGED_AFTER_SIGNING.
    """
    fonts = subdictionary(resources, "/Font")
    for font in (fonts[name] for name in fonts if name not in known):
        inner = entry(font, "/DescendantFonts", ()) if isinstance(font, generic.DictionaryObject) else None
        if inner is None or not all(_is_written(item) for item in (font, *_values(inner))):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def covers_text(signed: bytes, revision: HistoricalResolver, fields: Set[generic.Reference]) -> bool:
    """Whether any of the fields lies over text of its page, placeholders aside. `signed`: the file as it was signed.

    Raises:
        Exception: whatever pyHanko raises on hostile files.
    """
    if not fields:
        return False
    try:
        document = pypdfium2.PdfDocument(signed)
        return any(_text_below(document[index], sides) for index, sides in _places(revision, fields))
    except pypdfium2.PdfiumError:
        return True


def _places(revision: HistoricalResolver, fields: Set[generic.Reference]) -> Iterator[tuple[int, list[float]]]:
    for index, page in enumerate(page_references(revision)):
        for reference in fields & set(annotation_references(revision, page)):
            yield index, [float(side) for side in revision(reference)["/Rect"]]


def _text_below(page: pypdfium2.PdfPage, sides: list[float]) -> bool:
    left, right = sorted((sides[0], sides[2]))
    bottom, top = sorted((sides[1], sides[3]))
    text = page.get_textpage().get_text_bounded(left + 1, bottom + 1, right - 1, top - 1)
    return bool(text.strip(_PLACEHOLDERS))


def _has_size(picture: generic.StreamObject, size: tuple[float, float]) -> bool:
    """Its box is the field's, upright or turned by right angles: nothing is scaled, and readers cut off what is outside (12.5.5)."""
    left, bottom, right, top = (float(side) for side in picture["/BBox"])
    matrix = tuple(float(number) for number in entry(picture, "/Matrix", (1, 0, 0, 1, 0, 0)))
    width, height = right - left, top - bottom
    if matrix[:4] in {(0, 1, -1, 0), (0, -1, 1, 0)}:
        width, height = height, width
    elif matrix[:4] not in {(1, 0, 0, 1), (-1, 0, 0, -1)}:
        return False
    return abs(width - size[0]) <= _TOLERANCE and abs(height - size[1]) <= _TOLERANCE


def _is_written(font: object) -> bool:
    return (
        isinstance(font, generic.DictionaryObject)
        and entry(font, "/Subtype", "") != "/Type3"
        and "/CharProcs" not in font
    )


def _values(container: object) -> Iterator[object]:
    if isinstance(container, generic.DictionaryObject):
        yield from (container[key] for key in container)
    elif isinstance(container, generic.ArrayObject):
        yield from (container[index] for index in range(len(container)))


def _operators(content: bytes) -> set[bytes]:
    """The operators of a content stream (ISO 32000-1, 7.8.2). Raises GapProblem for bytes that are none."""
    found: set[bytes] = set()
    if len(content) > _MAX_PICTURE_BYTES:
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    position = 0
    while position < len(content):
        token = _TOKEN.match(content, position)
        if token is None:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        position = _end_of_string(content, token.end()) if token["string"] else token.end()
        if token["operator"]:
            found.add(token["operator"])
    return found


def _end_of_string(content: bytes, position: int) -> int:
    """Behind the bracket that closes a literal string; brackets inside are balanced or escaped."""
    depth = 1
    while depth:
        character = content[position : position + 1]
        if not character:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        depth += {b"(": 1, b")": -1}.get(character, 0)
        position += 2 if character == b"\\" else 1
    return position
