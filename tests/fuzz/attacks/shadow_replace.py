"""Shadow attack, replace: what was signed is exchanged by changes that viewers call harmless: forms, fonts, fields.

"Shadow Attacks" (see `shadow_hide`), class "replace", by overwriting a text field's appearance and by overwriting a font
that the signed text is drawn with.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.fuzz.attacks.alterations import forged_form, with_annotation, written_form
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append
from tests.fuzz.attacks.structure import Structure, stream

_FIELD = (
    b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Sum%d)/F 4/Rect[60 600 500 660]/V(%d)/DA(/Helv 30 Tf 0 g)/AP<</N %d 0 R>>>>"
)


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """A form field or a font prepared, signed, and overwritten."""
    if document.sign is None:
        return
    plain = Structure(document.unsigned)
    yield from _by_a_field(document, plain, chance)
    yield from _by_a_value(document, plain, chance)
    yield from _by_a_font(document, plain, chance)


def _by_a_field(document: SignedDocument, plain: Structure, chance: Random) -> Iterator[Attack]:
    assert document.sign is not None
    page, new = chance.choice(plain.pages), plain.size + chance.randrange(1, 9)
    field = _FIELD % (new, chance.randrange(99), new + 1)
    form = b"<</Fields[%d 0 R]>>" % new
    prepared = append(
        plain,
        {
            page: with_annotation(plain, page, new),
            new: field,
            new + 1: forged_form(chance),
            plain.root: plain.dictionary(plain.root, AcroForm=form),
        },
    )
    signed = Structure(document.sign(prepared))
    root_form = signed.entries(signed.root)["/AcroForm"]
    larger = field.replace(b"60 600 500 660", b"0 0 595 842")
    for name, objects in {
        "appearance replaced": {new + 1: forged_form(chance)},
        "value replaced, appearance not": {new: field.replace(b"/V(", b"/V(9")},
        "made as large as the page": {new: larger, new + 1: forged_form(chance)},
        "appearance taken away": {new: field.replace(b"/AP<</N %d 0 R>>" % (new + 1), b"")},
        "turned into a button": {
            new: field.replace(b"/Tx", b"/Btn").replace(b"/V(", b"/DV("),
            new + 1: forged_form(chance),
        },
        "with other text below": {new: field.replace(b"/F 4", b"/F 2")},
        "written anew": {
            new: field.replace(b"/V(", b"/V(9").replace(b"/N %d" % (new + 1), b"/N %d" % (new + 8)),
            new + 8: written_form(chance),
        },
        "by reference to another": {
            new: field.replace(b"/N %d" % (new + 1), b"/N %d" % (new + 9)),
            new + 9: forged_form(chance),
        },
    }.items():
        yield Attack(f"a field, {name}", append(signed, objects, chance.choice(HONEST)), shows=True)
    if root_form.startswith(b"<<"):
        drawn = signed.dictionary(signed.root, AcroForm=root_form[:-2] + b"/NeedAppearances true>>")
        yield Attack("values drawn by the viewer alone", append(signed, {signed.root: drawn}))
        needing = signed.dictionary(signed.root, AcroForm=root_form[:-2] + b"/NeedAppearances true>>")
        yield Attack(
            "a field, drawn by the viewer", append(signed, {signed.root: needing, new: field.replace(b"/V(", b"/V(9")})
        )


def _by_a_value(document: SignedDocument, plain: Structure, chance: Random) -> Iterator[Attack]:
    """A sum that was filled in before it was signed, filled in once more as honest programs do it; a box unticked."""
    assert document.sign is not None
    page, new = chance.choice(plain.pages), plain.size + chance.randrange(1, 9)
    field = _FIELD % (new, chance.randrange(1, 99), new + 1)
    states = b"/AP<</N<</Yes %d 0 R/Off %d 0 R>>>>" % (new + 3, new + 4)
    box = b"<</Type/Annot/Subtype/Widget/FT/Btn/T(Agreed)/F 4/Rect[60 500 90 530]/V/%b/AS/%b%b>>"
    prepared = append(
        plain,
        {
            page: with_annotation(plain, page, new, new + 2),
            new: field,
            new + 1: written_form(chance),
            new + 2: box % (b"Off", b"Off", states),
            new + 3: stream(b"0 0 30 30 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 30 30]"),
            new + 4: stream(b"0 0 30 30 re S", b"/Type/XObject/Subtype/Form/BBox[0 0 30 30]"),
            plain.root: plain.dictionary(plain.root, AcroForm=b"<</Fields[%d 0 R %d 0 R]>>" % (new, new + 2)),
        },
    )
    signed = Structure(document.sign(prepared))
    sum_of = b"(%d)" % chance.randrange(10**6, 10**8)
    anew = {new: signed.dictionary(new, V=sum_of, AP=b"<</N %d 0 R>>" % (new + 30)), new + 30: written_form(chance)}
    for table in HONEST:
        yield Attack(f"a signed value written anew, {table}", append(signed, anew, table), shows=True)
    emptied = {new: signed.dictionary(new, V=None, AP=None)}
    yield Attack("a signed value emptied", append(signed, emptied, chance.choice(HONEST)), shows=True)
    unseen = {new: signed.dictionary(new, DA=b"(/Helv 0.1 Tf 1 g)", AP=None)}
    yield Attack("a signed value in invisible letters", append(signed, unseen, chance.choice(HONEST)), shows=True)


def _by_a_font(document: SignedDocument, plain: Structure, chance: Random) -> Iterator[Attack]:
    """Digits that are drawn by other glyphs than their codes say, once the font's object is another."""
    assert document.sign is not None
    page, new = chance.choice(plain.pages), plain.size + chance.randrange(1, 9)
    text = stream(b"BT /Shadow 40 Tf 60 500 Td (Sum %d) Tj ET" % chance.randrange(10**6, 10**7))
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    resources = b"<</Font<</Shadow %d 0 R>>>>" % (new + 1)
    changed = {
        page: plain.dictionary(page, Contents=b"%d 0 R" % new, Resources=resources),
        new: text,
        new + 1: font,
    }
    signed = Structure(document.sign(append(plain, changed)))
    digits = [b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight", b"nine"]
    turned = digits[:]
    while turned == digits:
        chance.shuffle(turned)
    differences = b"/Encoding<</Type/Encoding/Differences[48/%b]>>>>" % b"/".join(turned)
    glyphs = b" ".join(b"/g%d %d 0 R" % (code, new + 2) for code in range(48, 58))
    drawn = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1000 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 48/LastChar 57"
        b"/Widths[%b]/CharProcs<<%b>>/Encoding<</Differences[48%b]>>/Resources<<>>>>"
        % (b"600 " * 10, glyphs, b"".join(b"/g%d" % code for code in range(48, 58)))
    )
    for name, objects in {
        "digits exchanged": {new + 1: font[:-2] + differences},
        "another family": {new + 1: font.replace(b"Helvetica", b"Symbol")},
        "glyphs that draw what they like": {new + 1: drawn, new + 2: stream(b"600 0 0 0 600 900 d1 0 0 500 700 re f")},
    }.items():
        yield Attack(f"a font, {name}", append(signed, objects, chance.choice(HONEST)), shows=True)
