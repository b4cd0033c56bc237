"""Asks the renderer pool for documents and seal pictures.

The pool's processes do the work (`renderer_process`); here are queue, deadline, errors.
"""

from __future__ import annotations

import json
import struct
import time
from dataclasses import dataclass
from typing import Any

from isolation.errors import IsolationError, PeerClosed, PoolTimeout
from isolation.pool import call_pool
from monitoring import metrics
from policy_render.catalog import Template
from policy_render.data_schema import DocumentData
from policy_render.errors import Reason, RenderError, Violation
from policy_render.renderer_config import RendererConfig
from policy_render.seal_appearance import SealAppearance

_MAX_PDF_BYTES = 33 * 1024 * 1024


@dataclass(frozen=True)
class RenderedDocument:
    """A PDF/A with nothing signed yet."""

    pdf: bytes
    pages: int


class Renderer:
    """The client of the renderer pool; any number of threads may use it."""

    def __init__(self, config: RendererConfig) -> None:
        self._config = config

    @classmethod
    def from_config(cls, config: RendererConfig) -> Renderer:
        """Connects for each document."""
        return cls(config)

    def render(self, template: Template, data: DocumentData, *, draft: bool, timeout: float) -> RenderedDocument:
        """Renders checked data; a draft is marked as one.

        Raises:
            RenderError: CHARACTER_NOT_PRINTABLE, RENDERING_FAILED, RENDERER_UNAVAILABLE, RENDERER_TIMEOUT.
        """
        header = json.dumps(
            {"template": template.reference, "draft": draft, "verification_url": self._config.verification_url}
        ).encode()
        request = struct.pack(">I", len(header)) + header + data.text.encode()
        started = time.monotonic()
        metrics.renderer_queue.inc()
        try:
            return _read_answer(self._call(request, timeout, "document"))
        except RenderError as problem:
            metrics.render_failures.labels(problem.reason.value).inc()
            raise
        finally:
            metrics.renderer_queue.dec()
            metrics.render_seconds.labels(template.reference).observe(time.monotonic() - started)

    def draw_picture(self, content: bytes, *, timeout: float) -> SealAppearance:
        """The seal picture in the content of a PNG or SVG file; the same for the same content.

        Raises:
            RenderError: PICTURE_UNFIT, RENDERING_FAILED, RENDERER_UNAVAILABLE, RENDERER_TIMEOUT.
        """
        header = json.dumps({"picture": True}).encode()
        answer = self._call(struct.pack(">I", len(header)) + header + content, timeout, "picture")
        _, body = _header_and_body(answer)
        return SealAppearance.from_json(body.decode("ascii"))

    def _call(self, request: bytes, timeout: float, what: str) -> bytes:
        try:
            # Rendering has no effect: where a process dies over it, another may try once.
            return call_pool(self._config.socket, request, timeout=timeout, limit=_MAX_PDF_BYTES, again=True)
        except PoolTimeout:
            raise RenderError(
                Reason.RENDERER_TIMEOUT, f"the {what} was not rendered in time", "Retry with a longer deadline."
            ) from None
        except PeerClosed:
            raise RenderError(
                Reason.RENDERING_FAILED,
                f"two renderers ended over this {what}",
                f"Report it with the {what}'s data; the renderers' own messages say more.",
            ) from None
        except IsolationError:
            raise RenderError(
                Reason.RENDERER_UNAVAILABLE,
                "no renderer answers",
                "Retry in a second; see the renderers' own messages.",
            ) from None


def _read_answer(answer: bytes) -> RenderedDocument:
    header, body = _header_and_body(answer)
    return RenderedDocument(body, header["pages"])


def _header_and_body(answer: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from(">I", answer)
    header: dict[str, Any] = json.loads(answer[4 : 4 + length])
    if "reason" in header:
        violations = tuple(Violation(field, description) for field, description in header.get("violations", ()))
        raise RenderError(Reason(header["reason"]), header["message"], header.get("remedy", ""), violations=violations)
    return header, answer[4 + length :]
