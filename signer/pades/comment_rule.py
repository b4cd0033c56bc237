"""Comments that were added after a certification which allows them (DocMDP level 3; ISO 32000-2, 12.8.2.2), by what they can hide.

A small note without a picture of its own is drawn by every reader as an icon, and nobody takes an icon for content. All other comments
draw what they like where they like: that is the evil annotation attack on certified documents, and also what honest people do. So they are
lawful, but whether they hide anything can't be told. Only additions are known here; what else happens to annotations is a change.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's resolvers have no types.
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import (
    ModificationLevel,
    QualifiedWhitelistRule,
    ReferenceUpdate,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.rules_api import AbsoluteContext

from signer.pades.page_tree import annotation_references, page_references
from signer.pades.signed_revision import entry

MAX_NOTES = 20
_MAX_NOTE_POINTS = 40.0
_ICONS = frozenset({"/Note", "/Comment", "/Key", "/Help", "/NewParagraph", "/Paragraph", "/Insert"})
# Markup annotations (ISO 32000-2, table 171), without /Redact, which is made to remove content, and with the windows that belong to them.
_MARKUP = """
    Text FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Stamp Caret Ink FileAttachment Sound Popup
"""
_NOTE = """
    Type Subtype Rect Contents P NM M F C T Popup Parent CA CreationDate Subj Name Open State StateModel IRT RT RC
"""
_COMMENTS = frozenset(f"/{name}" for name in _MARKUP.split())
_NOTE_ENTRIES = frozenset(f"/{name}" for name in _NOTE.split())
_ACTIONS = ("/A", "/AA")


@dataclass
class CommentRule(QualifiedWhitelistRule):
    """Allows new comments on pages, at the level of annotations. Remembers them, so there is one for each signature."""

    notes: set[generic.Reference] = field(default_factory=set)
    drawings: set[generic.Reference] = field(default_factory=set)

    @property
    def may_hide(self) -> bool:
        """Whether signed content may be hidden, by pictures or by the mere number of icons."""
        return bool(self.drawings) or len(self.notes) > MAX_NOTES

    @property
    def found(self) -> frozenset[generic.Reference]:
        """All comments."""
        return frozenset(self.notes | self.drawings)

    def apply_qualified(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, ReferenceUpdate]]:
        """See `QualifiedWhitelistRule`."""
        written = new.explicit_refs_in_revision()
        for page in page_references(new):
            if written.isdisjoint({page, _list_of(new, page)}):
                continue
            added = list(_added(old, new, page))
            if not added:
                continue
            compare_dicts(old(page), new(page), frozenset({"/Annots"}))
            updates = [ReferenceUpdate(page)]
            listed = _list_of(new, page)
            if listed is not None and (listed == _list_of(old, page) or old.is_ref_unassignable(listed)):
                updates.append(ReferenceUpdate(listed))
            for comment in added:
                updates.extend(self._allow(old, new, comment))
            for update in updates:
                yield ModificationLevel.ANNOTATIONS, update

    def _allow(
        self, old: HistoricalResolver, new: HistoricalResolver, comment: generic.Reference
    ) -> Iterator[ReferenceUpdate]:
        """The comment and what hangs on it, all of it new. Nothing is allowed that the signed document refers to."""
        item = new(comment)
        if not old.is_ref_unassignable(comment) or not _is_comment(item):
            raise SuspiciousModification("an annotation that is no comment")
        (self.notes if _is_note(item) else self.drawings).add(comment)
        nowhere = AbsoluteContext(RawPdfPath(), old)
        for reference in {comment, *new.collect_dependencies(item, since_revision=new.revision)}:
            if old.is_ref_unassignable(reference):
                yield ReferenceUpdate(reference, context_checked=nowhere)


def _list_of(revision: HistoricalResolver, page: generic.Reference) -> generic.Reference | None:
    """The page's list of annotations, where it is an object of its own."""
    dictionary = revision(page)
    value = dictionary.raw_get("/Annots") if "/Annots" in dictionary else None
    return value.reference if isinstance(value, generic.IndirectObject) else None


def _added(old: HistoricalResolver, new: HistoricalResolver, page: generic.Reference) -> Iterator[generic.Reference]:
    """What stands behind the annotations that were there; those are all there still, in their order."""
    before, after = annotation_references(old, page), annotation_references(new, page)
    if after[: len(before)] != before or len(set(after)) != len(after):
        raise SuspiciousModification("annotations were taken away")
    for reference in after[len(before) :]:
        if entry(new(reference), "/Subtype", None) != "/Widget":  # widgets are the form rules' business
            yield reference


def _is_comment(item: object) -> bool:
    if not isinstance(item, generic.DictionaryObject) or isinstance(item, generic.StreamObject):
        return False
    return entry(item, "/Subtype", None) in _COMMENTS and not any(key in item for key in _ACTIONS)


def _is_note(item: generic.DictionaryObject) -> bool:
    """Readers draw an icon for it, or a window once somebody asks; of entries that are not known it can't be told what they draw."""
    kind, opened = item["/Subtype"], entry(item, "/Open", None)
    closed = opened is None or (isinstance(opened, generic.BooleanObject) and not opened.value)
    if kind not in {"/Text", "/Popup"} or set(item) - _NOTE_ENTRIES or not closed:
        return False
    if kind == "/Popup":
        return True
    sides = [float(side) for side in item["/Rect"]]
    small = len(sides) == 4 and max(abs(sides[0] - sides[2]), abs(sides[1] - sides[3])) <= _MAX_NOTE_POINTS
    return small and entry(item, "/Name", "/Note") in _ICONS
