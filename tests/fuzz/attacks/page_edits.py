"""Whole-file edits: the signed file opened in an editor, changed, and saved as a new one that keeps the signature's objects.

No publication: what a PDF editor does that ignores signatures. Pages, metadata, information, links, outlines.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from random import Random

import pikepdf

from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import stream


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each edit saved in a way of chance, and edits of metadata in a further revision."""
    for name, edit in _EDITS.items():
        with pikepdf.open(io.BytesIO(document.data)) as pdf:
            edit(pdf, chance)
            output = io.BytesIO()
            packed = chance.choice(list(pikepdf.ObjectStreamMode))
            pdf.save(output, static_id=True, object_stream_mode=packed, linearize=chance.random() < 0.3)
        yield Attack(f"{name}, saved anew", output.getvalue(), shows=name in _SHOW)
    yield from _in_a_revision(document, chance)


def _in_a_revision(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    structure = document.structure
    new = structure.size + chance.randrange(20)
    title = b"<</Title(Policy %d)>>" % chance.randrange(10**6)
    for number in structure.streams(Type="/Metadata"):
        packet = structure.content(number).replace(b"2026", b"20%02d" % chance.randrange(27, 99))
        changed = append(structure, {number: stream(packet, b"/Type/Metadata/Subtype/XML")}, chance.choice(HONEST))
        yield Attack("metadata replaced", changed)
    yield Attack("information replaced", append(structure, {new: title}, trailer=b"/Info %d 0 R" % new))
    catalogs: dict[str, dict[str, bytes | None]] = {
        "language": {"Lang": b"(xx)"},
        "a label for pages": {"PageLabels": b"<</Nums[0<</S/D/St %d>>]>>" % chance.randrange(2, 99)},
        "no structure": {"StructTreeRoot": None, "MarkInfo": None, "Outlines": b"<</Count 0>>"},
        "a collection": {"Collection": b"<</View/T>>"},
        "preferences": {"ViewerPreferences": b"<</HideToolbar true/Direction/R2L>>"},
        "requirements": {"Requirements": b"[<</S/EnableJavaScripts>>]"},
    }
    for name, entries in catalogs.items():
        root = structure.dictionary(structure.root, **entries)
        yield Attack(f"catalog with {name}", append(structure, {structure.root: root}, chance.choice(HONEST)))


def _delete(pdf: pikepdf.Pdf, chance: Random) -> None:
    if len(pdf.pages) > 1:
        del pdf.pages[chance.randrange(len(pdf.pages))]
    else:
        pdf.add_blank_page()


def _blank(pdf: pikepdf.Pdf, chance: Random) -> None:
    pdf.add_blank_page(page_size=(chance.randrange(100, 600), 842))


def _turn(pdf: pikepdf.Pdf, chance: Random) -> None:
    chance.choice(list(pdf.pages)).rotate(chance.choice([90, 180, 270]), relative=True)


def _draw(pdf: pikepdf.Pdf, chance: Random) -> None:
    page = chance.choice(list(pdf.pages))
    page.contents_add(b"q 1 0 0 rg %d %d 300 90 re f Q" % (chance.randrange(200), chance.randrange(600)))


def _information(pdf: pikepdf.Pdf, chance: Random) -> None:
    pdf.docinfo["/Title"] = f"Policy {chance.randrange(10**6)}"


def _metadata(pdf: pikepdf.Pdf, chance: Random) -> None:
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:title"] = f"Policy {chance.randrange(10**6)}"


def _unembedded(pdf: pikepdf.Pdf, chance: Random) -> None:
    for page in pdf.pages:
        if "/Resources" in page.obj:
            page.obj.Resources = pikepdf.Dictionary()


def _attached(pdf: pikepdf.Pdf, chance: Random) -> None:
    pdf.attachments[f"policy-{chance.randrange(99)}.json"] = chance.randbytes(40)


_EDITS: dict[str, Callable[[pikepdf.Pdf, Random], None]] = {
    "a page deleted": _delete,
    "a page added": _blank,
    "a page turned": _turn,
    "a page drawn on": _draw,
    "information changed": _information,
    "metadata changed": _metadata,
    "resources taken away": _unembedded,
    "a file attached": _attached,
}
_SHOW = {"a page deleted", "a page added", "a page turned", "a page drawn on", "a file attached"}
