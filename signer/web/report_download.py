"""The signed report as a download though nothing is kept: the result page carries it, and the browser sends it back to have it as a file.

A keyed digest says that the portal itself put it there: it must not serve as an attachment what strangers made. The key lives as
long as the process; a page from before a restart is told to verify again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from aiohttp import web

from signer.web.admission import HeldBytes
from signer.web.refusal import report_unknown

_MOST_BYTES = 4 * 1024 * 1024  # of the form


@dataclass(frozen=True)
class ReportDownload:
    """`key`: of the digests."""

    key: bytes = field(repr=False)

    @classmethod
    def with_new_key(cls) -> ReportDownload:
        """For one process."""
        return cls(secrets.token_bytes(32))

    def mark(self, report: bytes) -> str:
        """What goes beside a report on the page."""
        return hmac.new(self.key, report, "sm3").hexdigest()

    async def read(self, request: web.BaseRequest, held: HeldBytes) -> tuple[bytes, str]:
        """The report that a form brings back, and a name for the file. Raises Refusal (report-unknown, busy)."""
        body = bytearray()
        async for chunk in request.content.iter_chunked(64 * 1024):
            held.add(len(chunk))
            body += chunk
            if len(body) > _MOST_BYTES:
                raise report_unknown()
        try:
            fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=4)
            report = base64.b64decode(fields["report"][0], validate=True)
            mark = fields["mark"][0]
        except (ValueError, KeyError, binascii.Error):
            raise report_unknown() from None
        if not mark.isascii() or not hmac.compare_digest(mark, self.mark(report)):
            raise report_unknown()
        return report, f"verification-report-{hashlib.new('sm3', report).hexdigest()[:12]}.p7m"
