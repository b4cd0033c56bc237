"""Who stamps our seals: an outside authority where one is configured, else our own. Every token is judged before it is used.

In production our own is never the only proof of time: a profile with timestamps is refused there without an outside authority.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from signer.certificates import TrustStore
from signer.cms.timestamp_token import (
    TimestampError,
    granted_token,
    timestamp_request_for,
    verify_timestamp_token,
)
from signer.documents.timestamp_authority import DigestOf, StampOrder, TimestampAuthority
from signer.documents.timestamps_config import OutsideAuthorityConfig
from signer.errors import ApplianceError, Reason

# From URL, request and seconds to the response's bytes; raises ApplianceError (TIMESTAMP_UNAVAILABLE).
AskAuthority = Callable[[OutsideAuthorityConfig, bytes, float], bytes]


class TimestampSource(Protocol):
    """Stamps what seals need stamped."""

    def stamp(self, order: StampOrder) -> bytes:
        """TimeStampToken, DER.

        Raises:
            ApplianceError: TIMESTAMP_UNAVAILABLE; also as `Signer.sign`.
        """
        ...


class OwnTimestamps:
    """From the appliance's own authority: outside of production, and never behind somebody's back."""

    def __init__(self, authority: TimestampAuthority, trust: TrustStore) -> None:
        self._authority = authority
        self._trust = trust

    def stamp(self, order: StampOrder) -> bytes:
        """See `TimestampSource`."""
        token = self._authority.stamp(order)
        return _judged(token, order.digest_of, self._trust, None)


class OutsideTimestamps:
    """From an authority of somebody else."""

    def __init__(self, config: OutsideAuthorityConfig, ask: AskAuthority, trust: TrustStore) -> None:
        """`trust`: what the authority's certificates lead to."""
        self._config = config
        self._ask = ask
        self._trust = trust

    def stamp(self, order: StampOrder) -> bytes:
        """See `TimestampSource`."""
        nonce = secrets.randbits(63) | 1
        request = timestamp_request_for(self._config.hash_name, order.digest_of(self._config.hash_name), nonce)
        response = self._ask(self._config, request, min(self._config.seconds, order.deadline.remaining()))
        try:
            return _judged(granted_token(response), order.digest_of, self._trust, nonce)
        except TimestampError as problem:
            raise _unusable(problem) from None


def _judged(token: bytes, digest_of: DigestOf, trust: TrustStore, nonce: int | None) -> bytes:
    try:
        verify_timestamp_token(token, digest_of, trust, nonce=nonce)
    except TimestampError as problem:
        raise _unusable(problem) from None
    return token


def _unusable(problem: TimestampError) -> ApplianceError:
    return ApplianceError(
        Reason.TIMESTAMP_UNAVAILABLE,
        f"the timestamp authority's answer can't be used: {problem.message}",
        "Check the authority's anchors in the configuration; nothing was sealed.",
    )
