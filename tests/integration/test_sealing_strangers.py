"""Documents that callers bring are sealed by a running appliance: whatever others produce, signed or not; unsafe ones are refused.

Threats: T5, T6.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from signer.client import Connection, RemoteError
from signer.v1 import document_pb2 as wire
from tests.fuzz.hybrid_pdf import Hidden, hybrid_pdf
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, new_pki
from tests.fuzz.strangers import SigningOptions, signed_by

_ISSUE_IDS = (f"strangers-{number}" for number in itertools.count())
_PLACE = wire.SealPlace
_ONE = _PLACE(box=_PLACE.Box(page=1, x_mm=60, y_mm=50, width_mm=40))
_ACROSS = _PLACE(cross_page=_PLACE.CrossPage(y_mm=80, width_mm=40))
_KEYWORD = _PLACE(keyword=_PLACE.Keyword(text="Page 2", width_mm=20, dx_mm=15))
_LTA, _GBT = wire.Seal.PROFILE_PADES_LTA, wire.Seal.PROFILE_GBT_38540


def _saved(change: Callable[[pikepdf.Pdf], None] = lambda _: None, **options: Any) -> bytes:
    with pikepdf.open(io.BytesIO(rendered(4))) as pdf:
        change(pdf)
        output = io.BytesIO()
        pdf.save(output, **options)
        return output.getvalue()


def _turn(pdf: pikepdf.Pdf) -> None:
    for number, page in enumerate(pdf.pages):
        page.Rotate = 90 * (number % 4)


def _crop(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.CropBox = [50, 60, 500, 700]


def _run_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _add_xfa(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=pikepdf.String("x"))


def _seal(connection: Connection, pdf: bytes, *seals: wire.Seal) -> bytes:
    request = wire.SealDocumentRequest(pdf=pdf, seals=seals, issue_id=next(_ISSUE_IDS))
    return connection.call(connection.documents.SealDocument, request).pdf


def _report(connection: Connection, pdf: bytes) -> wire.VerifyDocumentResponse:
    return connection.call(connection.documents.VerifyDocument, wire.VerifyDocumentRequest(pdf=pdf))


_SEALS = {
    "many places": (wire.Seal(places=[_ONE, _ACROSS, _KEYWORD]),),
    "archived, and an electronic seal": (wire.Seal(key="seal-rsa", profile=_LTA), wire.Seal(profile=_GBT)),
}


@pytest.mark.parametrize("seals", list(_SEALS))
@pytest.mark.parametrize(
    ("pdf"),
    [
        pytest.param(lambda: rendered(4), id="a table"),
        pytest.param(lambda: _saved(object_stream_mode=pikepdf.ObjectStreamMode.generate), id="object streams"),
        pytest.param(lambda: _saved(linearize=True), id="linearised"),
        pytest.param(lambda: _saved(_turn), id="turned pages"),
        pytest.param(lambda: rendered(60), id="many pages"),
    ],
)
def test_what_others_produce_is_sealed_and_verified(
    seals: str, pdf: Callable[[], bytes], connection: Connection
) -> None:
    original = pdf()
    sealed = _seal(connection, original, *_SEALS[seals])
    assert sealed.startswith(original)
    report = _report(connection, sealed)
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    assert report.issued.same_bytes
    assert report.summary_zh == "该文件由本公司盖章，内容完整、未被改动。"
    assert {item.verdict for item in report.signatures} == {1}


@pytest.mark.parametrize("update", [False, True], ids=["one table", "two tables"])
def test_hybrid_files_are_sealed(update: bool, connection: Connection) -> None:
    original = hybrid_pdf(3, update=update)
    sealed = _seal(connection, original, wire.Seal(key="seal-rsa", places=[_ONE, _ACROSS]), wire.Seal(key="seal-sm2"))
    assert sealed.startswith(original)
    report = _report(connection, sealed)
    assert (report.integrity, report.origin) == (wire.INTEGRITY_WHOLE, wire.ORIGIN_ISSUED_HERE)
    assert [item.verdict for item in report.signatures] == [1, 1]


@pytest.mark.parametrize("algorithm", [RSA, SM2], ids=["rsa", "sm2"])
@pytest.mark.parametrize("certify", [False, True], ids=["signed", "certified"])
def test_signatures_that_are_there_stay_right(algorithm: Any, certify: bool, connection: Connection) -> None:
    signed = signed_by(rendered(2), new_pki(algorithm), SigningOptions(certify=certify))
    sealed = _seal(connection, signed, wire.Seal(key="seal-sm2"))
    assert sealed.startswith(signed)
    report = _report(connection, sealed)
    assert report.integrity == wire.INTEGRITY_WHOLE
    assert [item.verdict for item in report.signatures] == [3, 1]  # nobody vouches for the stranger
    assert "further-signatures" in {item.code for item in report.signatures[0].findings}


def test_a_document_sealed_twice_over(connection: Connection) -> None:
    once = _seal(connection, rendered(2), wire.Seal(key="seal-rsa", places=[_ONE]))
    twice = _seal(connection, once, wire.Seal(key="seal-sm2"))
    report = _report(connection, twice)
    assert report.integrity == wire.INTEGRITY_WHOLE
    assert [item.verdict for item in report.signatures] == [1, 1]
    assert _report(connection, once).issued.same_bytes  # the first one stays what it is


_OFF = _PLACE(box=_PLACE.Box(page=1, x_mm=150, y_mm=50, width_mm=40))
_NO_PAGE = _PLACE(box=_PLACE.Box(page=9, x_mm=50, y_mm=50, width_mm=40))
_NOWHERE = _PLACE(keyword=_PLACE.Keyword(text="nowhere", width_mm=9))
_UNSAFE = "DOCUMENT_UNSAFE_TO_SEAL"
_REFUSED: dict[str, tuple[Callable[[], bytes], list[wire.SealPlace], str, str]] = {
    "encrypted": (lambda: _saved(encryption=pikepdf.Encryption(owner="o", user="")), [], _UNSAFE, "encrypted"),
    "hybrid, hides its fonts": (lambda: hybrid_pdf(2, hidden=Hidden.FONT), [], _UNSAFE, "readers"),
    "xfa": (lambda: _saved(_add_xfa), [], _UNSAFE, "XFA"),
    "script": (lambda: _saved(_run_script), [], _UNSAFE, "scripts"),
    "cut short": (lambda: rendered(4)[:5_000], [], _UNSAFE, "can't be read"),
    "no pdf": (lambda: b"hello", [], _UNSAFE, "can't be read"),
    "nothing": (lambda: b"", [], "INPUT_MISSING", "up to 32 MiB"),
    "off the cropped page": (lambda: _saved(_crop), [_OFF], "SEAL_PLACE_OFF_PAGE", "off its page"),
    "across one page": (lambda: rendered(1), [_ACROSS], "SEAL_PLACE_OFF_PAGE", "two pages"),
    "no such page": (lambda: rendered(1), [_NO_PAGE], "SEAL_PLACE_OFF_PAGE", "no page"),
    "no such text": (lambda: rendered(1), [_NOWHERE], "SEAL_KEYWORD_NOT_FOUND", "all pages were searched"),
    "signed, many places": (lambda: _signed(), [_ONE, _ACROSS], "SEAL_INVALID", "one place"),
    "changed": (lambda: _signed().replace(b"Motor policy", b"Motor Policy"), [], _UNSAFE, "after somebody signed"),
    "certified and shown": (lambda: _signed(certify=True), [_ONE], _UNSAFE, "would break a signature"),
}


def _signed(*, certify: bool = False) -> bytes:
    return signed_by(rendered(2), new_pki(RSA), SigningOptions(certify=certify))


@pytest.mark.parametrize("case", list(_REFUSED))
def test_what_is_unsafe_is_refused_with_a_reason(case: str, connection: Connection) -> None:
    pdf, places, reason, said = _REFUSED[case]
    with pytest.raises(RemoteError) as caught:
        _seal(connection, pdf(), wire.Seal(places=places))
    assert caught.value.reason == reason
    assert said in str(caught.value)


def test_the_same_request_gives_the_same_document(connection: Connection) -> None:
    request = wire.SealDocumentRequest(pdf=rendered(1), seals=[wire.Seal()], issue_id=next(_ISSUE_IDS))
    first = connection.call(connection.documents.SealDocument, request)
    again = connection.call(connection.documents.SealDocument, request)
    assert (first.pdf, first.document_id) == (again.pdf, again.document_id)
    request.pdf = rendered(2)
    with pytest.raises(RemoteError) as caught:
        connection.call(connection.documents.SealDocument, request)
    assert caught.value.reason == "ISSUE_ID_REUSED"
