"""Reads packs back: from evidence.json, from the sealed PDF, or from the folder that holds both; and judges what is claimed there.

A JSON file alone proves nothing: anybody could have written it. What counts is the PDF that the appliance sealed; the JSON is
compared with what is attached there. Not for judging the seal: VerifyDocument does that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from policy_render.catalog import Catalog
from policy_render.data_schema import check_data
from policy_render.errors import RenderError
from signer.evidence.attachment import attached_data
from signer.evidence.canonical import malformed, read_bytes, read_object
from signer.evidence.pack import FORMAT, FORMAT_VERSION, TEMPLATE
from signer.evidence.remote import DocumentVerdict

JSON_NAME = "evidence.json"
PDF_NAME = "evidence.pdf"
VerifyPdf = Callable[[bytes], DocumentVerdict]


class Seal(StrEnum):
    """`VERIFIED`: the appliance says that the PDF is whole and its own, and holds this pack. `NOT_ASKED`: nobody asked it."""

    VERIFIED = "verified"
    NOT_ASKED = "not-asked"
    NO_PDF = "no-pdf"
    WRONG = "wrong"


@dataclass(frozen=True)
class LoadedPack:
    """`values`: the pack. `why`: what is wrong, where the seal is."""

    values: dict[str, Any]
    seal: Seal
    why: str = ""


def load_pack(place: Path, verify: VerifyPdf | None) -> LoadedPack:
    """A pack from a folder, a PDF or a JSON file (beside which its PDF is looked for).

    Raises:
        RequestError: INPUT_MALFORMED; there is no pack, or it is not by the schema.
        Refused: by `verify`.
    """
    json_file, pdf_file = _files(place)
    pdf = read_bytes(pdf_file) if pdf_file is not None else None
    content = read_bytes(json_file) if json_file is not None else None
    attached = attached_data(pdf) if pdf is not None else None
    if content is None and attached is None:
        raise malformed(
            f"{place}: holds no evidence pack", f"Give a folder with {JSON_NAME} and {PDF_NAME}, or one of them."
        )
    values = _checked(content if content is not None else attached or b"", place)
    if pdf is None:
        return LoadedPack(values, Seal.NO_PDF)
    if attached is None:
        return LoadedPack(values, Seal.WRONG, "the PDF has no data attached")
    if content is not None and content != attached:
        return LoadedPack(values, Seal.WRONG, f"{JSON_NAME} is not what is attached to the sealed PDF")
    if verify is None:
        return LoadedPack(values, Seal.NOT_ASKED)
    return _judged(values, verify(pdf))


def _judged(values: dict[str, Any], verdict: DocumentVerdict) -> LoadedPack:
    if (verdict.integrity, verdict.origin) != ("WHOLE", "ISSUED_HERE") or not verdict.same_bytes:
        return LoadedPack(values, Seal.WRONG, f"the appliance says of the PDF: {verdict.integrity}, {verdict.origin}")
    if verdict.number != values["pack"]["number"] or verdict.template.partition("@")[0] != TEMPLATE:
        return LoadedPack(values, Seal.WRONG, "the PDF was issued as another document")
    return LoadedPack(values, Seal.VERIFIED)


def _files(place: Path) -> tuple[Path | None, Path | None]:
    """The JSON file and the PDF, each where it is there."""
    if place.is_dir():
        candidates = place / JSON_NAME, place / PDF_NAME
    elif place.suffix == ".pdf":
        return None, place
    else:
        candidates = place, place.with_suffix(".pdf")
        if not place.is_file():
            raise malformed(f"{place}: there is no such file")
    json_file, pdf_file = candidates
    return (json_file if json_file.is_file() else None), (pdf_file if pdf_file.is_file() else None)


def _checked(content: bytes, place: Path) -> dict[str, Any]:
    values = read_object(content, str(place))
    if values.get("format") != FORMAT or values.get("format_version") != FORMAT_VERSION:
        raise malformed(f"{place}: is not an evidence pack of format {FORMAT_VERSION}")
    try:
        check_data(Catalog.load().get(f"{TEMPLATE}@{FORMAT_VERSION}"), content.decode("utf-8"))
    except (RenderError, UnicodeDecodeError) as problem:
        raise malformed(
            f"{place}: is not by the schema of {TEMPLATE}: {getattr(problem, 'message', 'not UTF-8')}"
        ) from None
    return values
