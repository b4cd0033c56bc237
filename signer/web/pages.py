"""Pages from templates (Jinja, everything escaped), and the portal's own style sheet, script and pictures, named by their digests.

One template for all: the form, with a result or a refusal above it. Not for HTTP: `portal` puts status and headers around it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from signer.client.conclusion_words import Text
from signer.web.refusal import Refusal
from signer.web.result import Result
from signer.web.upload import MAX_FILE_BYTES

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_LONGEST_NUMBER = 64


@dataclass(frozen=True)
class Asset:
    """A file of the page's own; its name holds its digest, so that it may be cached for good."""

    content: bytes
    content_type: str


class Pages:
    """All pages of one portal. Read once: nothing is opened later."""

    def __init__(self, company: str) -> None:
        self.assets: dict[str, Asset] = {}
        self._places: dict[str, str] = {}
        for file in sorted((_HERE / "static").iterdir()):
            content = file.read_bytes()
            name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            self.assets[name] = Asset(content, _TYPES[file.suffix])
            self._places[file.name] = f"/static/{name}"
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        environment.globals |= {
            "asset": self._places.__getitem__,
            "company": company,
            "most_bytes": MAX_FILE_BYTES,
            "most_mebibytes": MAX_FILE_BYTES >> 20,
        }
        self._page = environment.get_template("page.html")

    def form(self, number: str = "") -> str:
        """The page as one comes to it. `number`: what the QR code of a document says; shown as a text, and no more."""
        return self._render(number=_shown(number))

    def result(self, result: Result, mark: str) -> str:
        """The page with an answer. `mark`: see `ReportDownload`."""
        return self._render(result=result, mark=mark)

    def refusal(self, refusal: Refusal) -> str:
        """The page that says why there is no answer."""
        return self._render(refusal=refusal)

    def _render(self, **values: object) -> str:
        defaults: Mapping[str, object] = {
            "number": "",
            "result": None,
            "mark": "",
            "refusal": None,
            "title": _title(values),
        }
        return self._page.render(**{**defaults, **values})


def _title(values: Mapping[str, object]) -> Text | None:
    result, refusal = values.get("result"), values.get("refusal")
    if isinstance(result, Result):
        return result.conclusion.headline
    return refusal.headline if isinstance(refusal, Refusal) else None


def _shown(number: str) -> str:
    """A number of a document as far as it can be one."""
    return number if len(number) <= _LONGEST_NUMBER and number.isprintable() else ""
