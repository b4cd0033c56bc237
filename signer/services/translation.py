"""Shared pieces of translation: receipts, findings, times, enumerations, pages. Nothing that decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from signer.algorithms import SignatureAlgorithm
from signer.errors import Reason, RequestError
from signer.findings import Finding
from signer.v1 import types_pb2

T = TypeVar("T")
_MAX_PAGE = 1_000


def algorithm_from_wire(number: int) -> SignatureAlgorithm:
    """Raises RequestError (ALGORITHM_UNKNOWN) for a number that the contract doesn't have."""
    try:
        return SignatureAlgorithm(number)
    except ValueError:
        raise RequestError(
            Reason.ALGORITHM_UNKNOWN,
            f"there is no signature algorithm {number}",
            "See SignatureAlgorithm in types.proto.",
        ) from None


def receipt_to_wire(log_id: str, index: int, entry: bytes) -> types_pb2.LogReceipt:
    """A receipt without a proof: that comes with a checkpoint."""
    return types_pb2.LogReceipt(log_id=log_id, index=index, entry=entry)


def findings_to_wire(findings: Iterable[Finding]) -> list[types_pb2.Finding]:
    """In the same order."""
    return [
        types_pb2.Finding(code=item.code.value, message=item.message, message_zh=item.message_zh) for item in findings
    ]


def time_to_wire(moment: datetime) -> Timestamp:
    """A point in time with a zone."""
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp


def time_from_wire(stamp: Timestamp) -> datetime:
    """Raises RequestError (INPUT_MALFORMED) for a time outside of years 1 to 9999."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RequestError(
            Reason.INPUT_MALFORMED, "the timestamp is out of range", "Use a time from year 1 to 9999."
        ) from None


def page(items: Sequence[T], size: int, token: str) -> tuple[Sequence[T], str]:
    """The page that a token names and the token of the next one; tokens are places in a fixed order.

    Raises:
        RequestError: PAGE_TOKEN_INVALID, INPUT_MALFORMED.
    """
    if size < 0:
        raise RequestError(Reason.INPUT_MALFORMED, "page_size must not be negative", "Leave it out for the default.")
    if token and not (token.isascii() and token.isdigit() and len(token) < 10):
        raise RequestError(Reason.PAGE_TOKEN_INVALID, "page_token is not one of ours", "Begin again without one.")
    start = int(token or 0)
    end = start + min(size or _MAX_PAGE, _MAX_PAGE)
    return items[start:end], str(end) if end < len(items) else ""
