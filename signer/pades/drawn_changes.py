"""What fields that were added or filled in after a signature draw on its pages: text in places that the signer left for it, no more.

Pictures of later revisions are how harmless-looking updates hide signed content (shadow attacks, signature overlays). So: what was
filled in when it was signed stays as it is; a text field's new picture writes text and nothing else; states of buttons are among the
pictures that were signed; the place of a later signature is told to the caller unless the signer had prepared it and it is small.
Widgets of any other kind are refused.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from signer.findings import FindingCode
from signer.pades.filled_text import check_text_picture
from signer.pades.signature_gap import GapProblem
from signer.pades.signed_revision import entry, subdictionary

_MAX_PARENTS = 32
# A field larger than this (of 595 × 842 points, A4) hides more of a page than a signature or an entry of a form needs.
_LARGEST_PLACE = 595 * 842 / 4
_VALUED = frozenset({"/Tx", "/Ch", "/Btn"})
_EMPTY_VALUES: tuple[object, ...] = (None, "", "/Off", [])
_SHOWS_VALUE = ("/V", "/AP", "/AS", "/DA", "/Q", "/Ff")


@dataclass(frozen=True)
class DrawnChanges:
    """`drawn_by`: names of later signature fields that show on a page where nothing had been prepared; None: in too large a place.
    `filled`: widgets that show text now.
    """

    drawn_by: frozenset[str | None]
    filled: frozenset[generic.Reference]


def check_drawn_changes(
    old: HistoricalResolver, new: HistoricalResolver, comments: Set[generic.Reference] = frozenset()
) -> DrawnChanges:
    """What a later revision draws. `comments`: annotations that are judged elsewhere.

    Raises:
        GapProblem: CHANGED_AFTER_SIGNING, for anything that draws otherwise.
        Exception: whatever pyHanko raises on hostile files.
    """
    drawn_by: set[str | None] = set()
    filled: set[generic.Reference] = set()
    for reference in new.explicit_refs_in_revision():  # type: ignore[no-untyped-call] # pyHanko has no types here
        widget = new(reference)
        if not isinstance(widget, generic.DictionaryObject) or reference in comments:
            continue
        before = None if old.is_ref_unassignable(reference) else old(reference)
        kind = _inherited(widget, "/FT")
        if kind in _VALUED and isinstance(before, generic.DictionaryObject):
            _check_left_empty(before, widget)
        if "/Rect" not in widget or not _may_show(widget):
            continue
        if kind == "/Sig":
            drawn_by |= _drawer(before, widget)
        elif before is None or not isinstance(before, generic.DictionaryObject):
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        elif kind in {"/Tx", "/Ch"}:
            _check_text(before, widget)
            filled.add(reference)
        elif kind == "/Btn":
            _check_button(before, widget)
        else:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    return DrawnChanges(frozenset(drawn_by), frozenset(filled))


def _drawer(before: Any, widget: generic.DictionaryObject) -> set[str | None]:
    """Whose picture it is; nobody's is believed in a new place that is large."""
    large = _area(widget) > _LARGEST_PLACE
    if before is None:
        return {None if large else _name(widget)}
    return {_name(widget)} if large else set()


def _check_left_empty(before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
    """A value that stood there when the document was signed was signed: it stays, and so does what it is drawn with."""
    if _inherited(before, "/V") in _EMPTY_VALUES:
        return
    if any(_raw(before, key) != _raw(after, key) for key in _SHOWS_VALUE):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _check_text(before: generic.DictionaryObject, widget: generic.DictionaryObject) -> None:
    sides = _sides(widget)
    if sides is None or _area(widget) > _LARGEST_PLACE or entry(before, "/F", 0) != entry(widget, "/F", 0):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    check_text_picture(before, widget, (abs(sides[0] - sides[2]), abs(sides[1] - sides[3])))


def _check_button(before: generic.DictionaryObject, widget: generic.DictionaryObject) -> None:
    """The pictures are the signed ones."""
    if any(_raw(before, key) != _raw(widget, key) for key in ("/AP", "/F", "/MK")):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
    states = subdictionary(subdictionary(before, "/AP"), "/N")
    if entry(widget, "/AS", "/Off") not in {"/Off", *states}:
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _may_show(widget: generic.DictionaryObject) -> bool:
    """True for an annotation that some reader might draw; pyHanko takes a /Rect that it can't read for an empty one."""
    sides = _sides(widget)
    return sides is None or (sides[0] != sides[2] and sides[1] != sides[3])


def _area(widget: generic.DictionaryObject) -> float:
    sides = _sides(widget)
    return float("inf") if sides is None else abs(sides[0] - sides[2]) * abs(sides[1] - sides[3])


def _sides(widget: generic.DictionaryObject) -> list[float] | None:
    sides = list(widget["/Rect"])
    if len(sides) != 4 or not all(isinstance(side, int | generic.FloatObject) for side in sides):
        return None
    return [float(side) for side in sides]


def _inherited(widget: generic.DictionaryObject, key: str) -> Any:
    """ISO 32000-1, 12.7.3.1: a field's type may stand above its widget."""
    node = widget
    for _ in range(_MAX_PARENTS):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None


def _name(widget: generic.DictionaryObject) -> str:
    parts, node = [], widget
    for _ in range(_MAX_PARENTS):
        if "/T" in node:
            parts.append(str(node["/T"]))
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    return ".".join(reversed(parts))


def _raw(dictionary: generic.DictionaryObject, key: str) -> object:
    return dictionary.raw_get(key) if key in dictionary else None
