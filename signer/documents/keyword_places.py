"""Turns what a request says about places into boxes and strips: keywords are looked up in the document's own text.

Finding text needs a PDF parser, so the inspector pool does it (`signer.pades.text_places`); a worker only reads its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from signer.deadline import Deadline
from signer.documents.seal import KeywordPlace, Place
from signer.errors import Reason, RequestError
from signer.pades.embed import BoxPlace, CrossPagePlace
from signer.pades.inspector_task import TextPlace

MAX_KEYWORD = 100


class TextFinder(Protocol):
    """Finds a text in a PDF."""

    def find_text(self, pdf: bytes, text: str, *, timeout: float) -> Sequence[TextPlace]:
        """Where it stands, page by page from the top. Raises ApplianceError, RequestError."""
        ...


class PlaceFinder:
    """Resolves places."""

    def __init__(self, texts: TextFinder) -> None:
        self._texts = texts

    def resolve(
        self,
        pdf: bytes,
        places: Sequence[Place] | None,
        own: Sequence[BoxPlace],
        deadline: Deadline,
    ) -> list[BoxPlace | CrossPagePlace]:
        """Boxes and strips. `own`: the document's own places, where none are named.

        Raises:
            RequestError: SEAL_KEYWORD_NOT_FOUND, SEAL_INVALID.
            ApplianceError: the text can't be searched now.
        """
        if places is None:
            return list(own)
        found: list[BoxPlace | CrossPagePlace] = []
        for place in places:
            if isinstance(place, KeywordPlace):
                found += self._beside(pdf, place, deadline)
            else:
                found.append(place)
        return found

    def _beside(self, pdf: bytes, place: KeywordPlace, deadline: Deadline) -> list[BoxPlace]:
        if not 1 <= len(place.text.strip()) <= MAX_KEYWORD or not place.text.isprintable():
            raise RequestError(
                Reason.SEAL_INVALID,
                "a seal's keyword must be printable text",
                f"Give 1 to {MAX_KEYWORD} characters that stand in the document.",
            )
        hits = self._texts.find_text(pdf, place.text, timeout=deadline.remaining())
        if not hits:
            raise RequestError(
                Reason.SEAL_KEYWORD_NOT_FOUND,
                f"the keyword {place.text!r} stands nowhere in the document's text (all pages were searched, spaces left aside)",
                "Look at the rendered document; text in pictures is not found.",
            )
        return [
            BoxPlace(hit.page, hit.x_mm + place.dx_mm, hit.y_mm + place.dy_mm, place.width_mm)
            for hit in (hits if place.every else hits[:1])
        ]
