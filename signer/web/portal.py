"""The portal's answers: the page, an upload's result, the signed report, its own files. HTTP and nothing of what a file is.

No cookies, no sessions, nothing kept. A post changes nothing and tells only about the bytes that came with it, so a form on
another site (CSRF) could but make its visitor verify that site's own file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from monitoring import metrics
from signer.network_address import address_group
from signer.v1 import document_pb2 as wire
from signer.web import refusal, timestamps
from signer.web.admission import UploadMemory, UploadRates
from signer.web.connections import Visit
from signer.web.pages import Pages
from signer.web.portal_config import PortalConfig
from signer.web.proxies import client_address
from signer.web.refusal import Refusal
from signer.web.report_download import ReportDownload
from signer.web.result import Result
from signer.web.upload import read_upload

_log = logging.getLogger(__name__)
_ANSWER_S = 30.0  # for what is not an upload
_SPARE_S = 30.0  # beyond an upload's own limits
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "signer",
}
_HSTS = "max-age=31536000"
_FOR_GOOD = "public, max-age=31536000, immutable"


class Answers(Protocol):
    """Who tells what a file is, and stamps digests: `Appliance`."""

    async def verify(self, pdf: bytes) -> wire.VerifyDocumentResponse:
        """The answer. Raises Refusal."""
        ...

    async def stamp(self, query: bytes) -> bytes:
        """TimeStampResp for a TimeStampReq, DER. Raises Refusal."""
        ...


class Requests(Protocol):
    """What keeps the time of connections: `Connections`."""

    def visit(self, request: web.BaseRequest) -> Visit:
        """The connection that a request came on."""
        ...

    def begin_request(self, visit: Visit, seconds: float) -> None:
        """Its answer must be made within that time."""
        ...

    def end_request(self, visit: Visit) -> None:
        """The answer is made."""
        ...


class Portal:
    """Answers requests. `requests` is joined after it is made: both know each other."""

    requests: Requests

    def __init__(self, config: PortalConfig, appliance: Answers) -> None:
        self._config = config
        self._appliance = appliance
        self._pages = Pages(config.company)
        self._rates = UploadRates(config.limits)
        self._memory = UploadMemory(config.limits)
        self._download = ReportDownload.with_new_key()
        self._posts = {"/verify": self._upload, "/verify/report": self._report}
        if config.timestamps:
            self._posts["/timestamp"] = self._timestamp

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request, errors included."""
        visit = self.requests.visit(request)
        self.requests.begin_request(visit, _ANSWER_S)
        try:
            response = await self._route(request, visit)
        except Refusal as told:
            response = self._refused(request, told)
        except ConnectionError:
            response = self._refused(request, refusal.malformed())  # nobody reads it
        except Exception:  # noqa: BLE001 - one request's fault must not end the connection's others; logged with its number
            number = secrets.token_hex(8)
            _log.exception("a request to the portal failed", extra={"fields": {"request_id": number}})
            response = self._refused(request, refusal.fault())
        finally:
            self.requests.end_request(visit)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if self._config.tls is not None:
            response.headers["Strict-Transport-Security"] = _HSTS
        return response

    async def _route(self, request: web.BaseRequest, visit: Visit) -> web.Response:
        reads = request.method in {"GET", "HEAD"}
        path = request.path
        if request.method == "POST" and path in self._posts:
            return await self._posts[path](request, visit)
        if path in {"/verify", "/v"} and reads:
            return _html(self._pages.form(request.query.get("n", "")))
        if path == "/" and reads:
            return web.Response(status=303, headers={"Location": "/verify"})
        if path == "/verify/report" and reads:  # a download's address that was typed, or a reload after it
            return web.Response(status=303, headers={"Location": "/verify"})
        asset = self._pages.assets.get(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if asset is not None and reads:
            return web.Response(
                body=asset.content, headers={"Content-Type": asset.content_type, "Cache-Control": _FOR_GOOD}
            )
        if path in {"/", "/v", *self._posts} or asset is not None:
            raise refusal.wrong_method()
        raise refusal.not_found()

    async def _upload(self, request: web.BaseRequest, visit: Visit) -> web.Response:
        limits = self._config.limits
        self.requests.begin_request(visit, limits.body_seconds + limits.verification_seconds + _SPARE_S)
        began = time.monotonic()
        outcome = "internal"
        try:
            result = await self._verify(request)
            outcome = result.conclusion.outcome.value
        except Refusal as told:
            outcome = told.reason
            raise
        except ConnectionError:
            outcome = "gone"
            raise
        finally:
            metrics.portal_uploads.labels(outcome).inc()
            metrics.portal_upload_seconds.observe(time.monotonic() - began)
        if _wants_json(request):
            return _json(result.as_json())
        return _html(self._pages.result(result, self._download.mark(result.report.report_cms)))

    async def _verify(self, request: web.BaseRequest) -> Result:
        address = self._address(request)
        self._rates.take(address)
        with self._memory.upload(address) as held:
            try:
                async with asyncio.timeout(self._config.limits.body_seconds):
                    uploaded = await read_upload(request, held)
            except TimeoutError:
                raise refusal.too_slow() from None
            return Result.of(await self._appliance.verify(uploaded.content), uploaded.name)

    async def _timestamp(self, request: web.BaseRequest, _visit: Visit) -> web.Response:
        """RFC 3161 over HTTP (clause 3.4)."""
        if request.content_type != timestamps.QUERY:
            raise refusal.unknown_form()
        self._rates.take(self._address(request))
        try:
            async with asyncio.timeout(_ANSWER_S):
                query = await timestamps.read_query(request)
                reply = await self._appliance.stamp(query)
        except TimeoutError:
            raise refusal.too_slow() from None
        return web.Response(body=reply, headers={"Content-Type": timestamps.REPLY})

    def _address(self, request: web.BaseRequest) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        return address_group(client_address(request.remote or "", forwarded, self._config.proxies))

    async def _report(self, request: web.BaseRequest, _visit: Visit) -> web.Response:
        with self._memory.upload(self._address(request)) as held:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    content, name = await self._download.read(request, held)
            except TimeoutError:
                raise refusal.too_slow() from None
        headers = {
            "Content-Type": "application/pkcs7-mime; smime-type=signed-data",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return web.Response(body=content, headers=headers)

    def _refused(self, request: web.BaseRequest, told: Refusal) -> web.Response:
        if _wants_json(request):
            words = {"headline": told.headline.__dict__, "advice": told.advice.__dict__}
            response = _json({"error": {"reason": told.reason, **words}}, told.status)
        else:
            response = _html(self._pages.refusal(told), told.status)
        if told.retry_after is not None:
            response.headers["Retry-After"] = str(told.retry_after)
        if told.status == 405:
            response.headers["Allow"] = "GET, HEAD, POST"
        return response


def _wants_json(request: web.BaseRequest) -> bool:
    return request.headers.get("Accept", "").split(",")[0].split(";")[0].strip().lower() == "application/json"


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8")


def _json(values: Mapping[str, object], status: int = 200) -> web.Response:
    text = json.dumps(values, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json", charset="utf-8")
