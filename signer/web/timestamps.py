"""RFC 3161 over HTTP (clause 3.4): reads a query's bytes, within its limit. What they mean is the appliance's to say."""

from __future__ import annotations

from aiohttp import web

from signer.web import refusal

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
# Our authority takes no more; a query has some tens of bytes.
_MAX_QUERY_BYTES = 4096


async def read_query(request: web.BaseRequest) -> bytes:
    """The body. Raises Refusal for one that is too large."""
    content = b""
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > _MAX_QUERY_BYTES:
            raise refusal.too_large()
    return content
