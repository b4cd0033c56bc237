"""What forgers put into a document: object bodies that, once believed, show or carry something else than was signed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.structure import Structure, stream

_FONT = b"<</Font<</Forged<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>>>>>"
Alteration = tuple[str, dict[int, bytes]]


def forged_drawing(chance: Random) -> bytes:
    """A content stream that paints a bar and a sum of money; needs `forged_resources`."""
    left, bottom, size = chance.randrange(20, 300), chance.randrange(80, 700), chance.randrange(18, 60)
    text = b"Sum insured %d.%02d" % (chance.randrange(10**6, 10**8), chance.randrange(100))
    bar = b"q %.2f %.2f %.2f rg %d %d 280 %d re f Q" % (*(chance.random() for _ in range(3)), left, bottom, size)
    return b"%b BT /Forged %d Tf %d %d Td (%b) Tj ET" % (bar, size, left, bottom, text)


def forged_resources() -> bytes:
    """The font of `forged_drawing`."""
    return _FONT


def forged_form(chance: Random, entries: bytes = b"") -> bytes:
    """A form XObject that covers a page with a forged drawing on white."""
    content = b"1 1 1 rg 0 0 900 900 re f " + forged_drawing(chance)
    head = b"/Type/XObject/Subtype/Form/BBox[0 0 900 900]/Resources%b%b" % (_FONT, entries)
    return stream(content, head)


def written_form(chance: Random, *, font: bytes = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>") -> bytes:
    """A form XObject that only writes: what honest programs put into a text field, or squares that hide what is below."""
    text = chance.choice([b"%d.00" % chance.randrange(10**5, 10**8), b"nnnnnnnnnnnn"])
    content = b"/Tx BMC q BT 0 g /F %d Tf 2 4 Td (%b) Tj ET Q EMC" % (chance.randrange(14, 200), text)
    return stream(content, b"/Type/XObject/Subtype/Form/BBox[0 0 440 60]/Resources<</Font<</F%b>>>>" % font)


def free_number(structure: Structure, chance: Random) -> int:
    """A number that no object has."""
    return structure.size + chance.randrange(40)


def alterations(structure: Structure, chance: Random) -> Iterator[Alteration]:
    """Every kind once, on a page of chance."""
    page = chance.choice(structure.pages)
    yield from _drawn_anew(structure, chance, page)
    yield from _page_boxes(structure, chance, page)
    yield from _page_tree(structure, chance)
    yield from _overlays(structure, chance, page)


def one_alteration(structure: Structure, chance: Random) -> Alteration:
    """One kind of chance."""
    return chance.choice(list(alterations(structure, chance)))


def _drawn_anew(structure: Structure, chance: Random, page: int) -> Iterator[Alteration]:
    new = free_number(structure, chance)
    drawing = stream(forged_drawing(chance))
    yield (
        "page drawn anew",
        {page: structure.dictionary(page, Contents=b"%d 0 R" % new, Resources=_FONT), new: drawing},
    )
    old = structure.content_number(page)
    if old:
        bar = b"q 0 0 0 rg %d %d 200 40 re f Q" % (chance.randrange(300), chance.randrange(700))
        yield "content stream replaced", {old: stream(bar)}
        both = b"[%d 0 R %d 0 R]" % (old, new)
        yield "content added", {page: structure.dictionary(page, Contents=both), new: stream(bar)}
    yield "content removed", {page: structure.dictionary(page, Contents=None)}
    yield "resources removed", {page: structure.dictionary(page, Resources=b"<<>>")}


def _page_boxes(structure: Structure, chance: Random, page: int) -> Iterator[Alteration]:
    shift = chance.randrange(40, 300)
    box = b"[%d %d 595 842]" % (shift, shift)
    yield "page cropped", {page: structure.dictionary(page, CropBox=box)}
    yield "media box moved", {page: structure.dictionary(page, MediaBox=box, CropBox=None)}
    yield "page turned", {page: structure.dictionary(page, Rotate=b"%d" % chance.choice([90, 180, 270]))}


def _page_tree(structure: Structure, chance: Random) -> Iterator[Alteration]:
    tree = free_number(structure, chance)
    page, content = tree + 1, tree + 2
    leaf = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources%b/Contents %d 0 R>>" % (tree, _FONT, content)
    new = {
        structure.root: structure.dictionary(structure.root, Pages=b"%d 0 R" % tree),
        tree: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % page,
        page: leaf,
        content: stream(forged_drawing(chance)),
    }
    yield "another page tree", new
    parent = int(structure.parent(structure.pages[0]).split()[0])
    kids = [b"%d 0 R" % number for number in structure.pages]
    if len(kids) > 1:
        turned = list(reversed(kids))
        yield "pages in another order", {parent: structure.dictionary(parent, Kids=b"[%b]" % b" ".join(turned))}
        fewer = b"[%b]" % b" ".join(kids[1:])
        yield "a page left out", {parent: structure.dictionary(parent, Kids=fewer, Count=b"%d" % (len(kids) - 1))}
    more = b"[%b %d 0 R]" % (b" ".join(kids), page)
    inserted = structure.dictionary(parent, Kids=more, Count=b"%d" % (len(kids) + 1))
    yield (
        "a page inserted",
        {parent: inserted, page: leaf.replace(b"%d 0 R" % tree, b"%d 0 R" % parent, 1), content: new[content]},
    )


def _overlays(structure: Structure, chance: Random, page: int) -> Iterator[Alteration]:
    annotation = free_number(structure, chance)
    picture = annotation + 1
    kind = chance.choice([b"Stamp", b"FreeText", b"Square", b"Watermark"])
    body = b"<</Type/Annot/Subtype/%b/F 4/Rect[0 0 595 842]/AP<</N %d 0 R>>/Contents(x)/DA(/Helv 0 Tf)>>"
    yield (
        f"a {kind.decode()} over the page",
        {
            page: with_annotation(structure, page, annotation),
            annotation: body % (kind, picture),
            picture: forged_form(chance),
        },
    )


def with_annotation(structure: Structure, page: int, *annotations: int) -> bytes:
    """The page with more annotations, last and so on top."""
    listed = structure.entries(page).get("/Annots", b"[]")
    if not listed.startswith(b"["):
        listed = structure.array(int(listed.split()[0]))
    more = b"".join(b" %d 0 R" % number for number in annotations)
    return structure.dictionary(page, Annots=listed[:-1] + more + b"]")
