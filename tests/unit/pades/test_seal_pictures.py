"""Pictures in updates: several in one, of several objects; the gate takes what the embedder wrote, and nothing that does more than draw."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policy_render import picture_drawing
from policy_render.picture_drawing import draw_picture
from policy_render.seal_appearance import SealAppearance
from signer.documents.seal import MAX_SEALS
from signer.pades import seal_pictures
from signer.pades.embed import BoxPlace, CrossPagePlace, prepare, update_plan
from signer.pades.incremental_update import write_update
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.seal_pictures import MAX_OBJECTS, seal_picture, split_stream
from signer.pades.shape import ShapeMismatch, check_shape
from signer.pades.signature_gap import filled_gap
from signer.pades.stranger_plan import MAX_APPENDED_BYTES
from signer.pades.update_plan import SUBFILTER_PADES, SealBox, SealPicture, SignatureFields
from tests.fuzz.rendered_documents import rendered
from tests.seal_picture_files import oval_svg, png, ring

_SIGNED_AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
_CMS = b"\x30\x03\x02\x01\x05"
_BOX = BoxPlace(1, 100, 100, 40)
_RING, _OVAL = draw_picture(png(ring())), draw_picture(oval_svg())


def _sealed(**options: object) -> bytes:
    return prepare(rendered(3), signer_name="x", signed_at=_SIGNED_AT, **options).fill(_CMS)  # type: ignore[arg-type] # as in prepare


@pytest.mark.parametrize("appearance", [_RING, _OVAL], ids=["png", "svg"])
@pytest.mark.parametrize("place", [_BOX, CrossPagePlace(100, 30)], ids=["box", "strips"])
def test_the_gate_takes_pictures_of_several_objects(
    appearance: SealAppearance, place: BoxPlace | CrossPagePlace
) -> None:
    sealed = _sealed(appearance=appearance, places=(place,))
    assert check_shape(sealed).signatures[0].content == _CMS
    for body in appearance.objects:
        assert split_stream(body)[1] in sealed


def test_stamps_have_pictures_of_their_own_and_each_stands_once_in_the_file() -> None:
    beside = [(_OVAL, BoxPlace(2, 60, 60, 40)), (_RING, BoxPlace(3, 60, 60, 40)), (_OVAL, CrossPagePlace(200, 30))]
    sealed = _sealed(appearance=_RING, places=(_BOX,), beside=beside)
    assert len(check_shape(sealed).signatures) == 1
    update = sealed[len(rendered(3)) :]
    assert update.count(b"/Subtype/Form/FormType 1/BBox[0 0 120 120]/Resources<</XObject<</x0") == 1
    assert update.count(b"/Subtype/Form/FormType 1/BBox[0 0 120 60]") == 1
    stamps = re.findall(rb"/Subtype/Stamp.*?/P (\d+) 0 R/Rect\[([^\]]*)\]/AP<</N (\d+) 0 R", update)
    oval, round_one, *strips = stamps
    assert len(strips) == 3
    assert oval[2] != round_one[2]
    for (_, rectangle, _), aspect in ((oval, 0.5), (round_one, 1.0)):
        left, bottom, right, top = map(float, rectangle.split())
        assert (top - bottom) / (right - left) == pytest.approx(aspect, abs=0.001)


def test_a_field_without_a_place_is_invisible_where_others_stamps_are_drawn() -> None:
    sealed = _sealed(appearance=_RING, beside=[(_OVAL, _BOX)])
    assert len(check_shape(sealed).signatures) == 1
    widget = re.search(rb"<</Type/Annot/Subtype/Widget[^\n]*", sealed)
    assert widget is not None
    assert b"/Rect[0 0 0 0]" in widget[0]
    assert b"/AP" not in widget[0]
    assert b"/Subtype/Stamp" in sealed


def test_a_further_seal_with_another_picture_passes_on_top() -> None:
    first = prepare(rendered(3), appearance=_RING, places=(_BOX,), signer_name="x", signed_at=_SIGNED_AT)
    document = first.revised(first.fill(_CMS))
    second = prepare(document, appearance=_OVAL, places=(_BOX,), signer_name="y", signed_at=_SIGNED_AT)
    assert len(check_shape(second.fill(_CMS)).signatures) == 2


def _with(dictionary: bytes, resources: bytes = b"<<>>") -> SealAppearance:
    stream = b"<</Length 1/Filter/FlateDecode%b>>\nstream\nx\nendstream" % dictionary
    return SealAppearance(b"", (0, 0, 1, 1), resources, (stream,))


@pytest.mark.parametrize(
    "appearance",
    [
        _with(b"/OPI<<>>"),
        _with(b"/Type/XObject/Subtype/PS"),
        _with(b"/Subtype/Form/Ref<</F(x.pdf)>>"),
        _with(b"/Length 9"),
        _with(b"/Filter/DCTDecode"),
        _with(b"/F(file)"),
        _with(b"/SMask 7 0 R"),
        _with(b"/Resources<</XObject<</x0 0 0 R>>>>"),
        _with(b">>/Type<<"),
        _with(b"/Group<<"),
        _with(b"/Width 1%comment"),
        _with(b"", b"<</XObject<</x0 2 0 R>>>>"),
        _with(b"", b"<<>>/Length 3/Group<<>>"),
        _with(b"", b"<</Properties<<>>>>"),
        _with(b"", b"<</ExtGState<</g0 <</TR/Identity>>>>>>"),
        replace(_with(b""), objects=(b"<<>>",)),
        replace(_with(b""), objects=(b"<</Length 9/Filter/FlateDecode>>\nstream\nx\nendstream",)),
        replace(_with(b""), objects=_with(b"").objects * (MAX_OBJECTS + 1)),
    ],
)
def test_pictures_that_do_more_than_draw_are_not_embedded(appearance: SealAppearance) -> None:
    with pytest.raises(ValueError, match="picture"):
        _sealed(appearance=appearance, places=(_BOX,))


def _forged(picture: SealPicture) -> bytes:
    """An update in every byte as ours, but for its picture."""
    document = RevisedPdf.read_rendered(rendered(3))
    box = SealBox(document.page_object(1) or 0, b"10 10 50 50")
    fields = SignatureFields(SUBFILTER_PADES, b"<FEFF0078>", b"", _SIGNED_AT, 100)
    update = write_update(document, update_plan((picture,), (box,), fields))
    return b"".join([document.data, update.before, filled_gap(_CMS, update.gap), update.after])


def test_the_gate_does_not_take_pictures_that_the_embedder_would_not_write() -> None:
    number = RevisedPdf.read_rendered(rendered(3)).size
    good = seal_picture(_RING, number)
    assert len(check_shape(_forged(good)).signatures) == 1
    image, *rest = good.objects
    forms = [
        replace(good, form=good.form.replace(b"/Resources<<", b"/Resources<</Properties<<>>")),
        replace(good, form=good.form.replace(b"/Resources", b"/OC 3 0 R/Resources")),
        replace(good, objects=(image.replace(b"/Width", b"/Alternates[]/Width"), *rest)),
        replace(good, objects=(image.replace(b"/SMask %d" % (number + 3), b"/SMask 3"), *rest)),
        replace(good, objects=good.objects + (rest[0],) * MAX_OBJECTS),
    ]
    for changed in forms:
        assert changed != good
        with pytest.raises(ShapeMismatch):
            check_shape(_forged(changed))


@pytest.mark.parametrize("appearance", [_RING, _OVAL], ids=["png", "svg"])
def test_no_changed_byte_of_the_update_passes_the_gate(appearance: SealAppearance) -> None:
    sealed = _sealed(appearance=appearance, places=(_BOX,))
    covered = range(len(rendered(3)), check_shape(sealed).signatures[0].gap_start)
    for position in random.Random(20261126).sample(covered, 150):
        changed = bytearray(sealed)
        changed[position] ^= 1 << position % 8
        with pytest.raises(ShapeMismatch):
            check_shape(bytes(changed))


def test_what_the_renderer_may_draw_the_embedder_takes() -> None:
    assert picture_drawing.MAX_OBJECTS == seal_pictures.MAX_OBJECTS
    assert picture_drawing.MAX_DICTIONARY_BYTES == seal_pictures.MAX_DICTIONARY_BYTES
    assert MAX_SEALS * picture_drawing.MAX_DRAWN_BYTES < MAX_APPENDED_BYTES
