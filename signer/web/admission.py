"""What one address may take from the others: connections, uploads at once, uploads in a minute; and the memory that all share.

Counting only; no sockets here. Nothing is kept about anybody but numbers, for minutes.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monitoring import metrics
from signer.web.portal_config import PortalLimits
from signer.web.refusal import busy, too_often

_MOST_ADDRESSES = 100_000  # some 10 MB; who is forgotten begins anew


class UploadRates:
    """A token bucket for each address."""

    def __init__(self, limits: PortalLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = limits.uploads_per_minute / 60
        self._burst = float(limits.upload_burst)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at that time; the oldest first

    def take(self, address: str) -> None:
        """Counts one upload. Raises Refusal (too-often); then nothing was counted."""
        now = self._clock()
        tokens, at = self._left.get(address, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        if tokens < 1:
            raise too_often(max(1, round((1 - tokens) / self._per_second)))
        self._left[address] = (tokens - 1, now)
        self._left.move_to_end(address)
        if len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)


class UploadMemory:
    """Bytes of uploads in memory. Taken as they come, so that slow uploads hold no more than they have sent."""

    def __init__(self, limits: PortalLimits) -> None:
        self._most = limits.upload_bytes
        self._most_of_address = limits.uploads_per_address
        self._held = 0
        self._by_address: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Bytes now."""
        return self._held

    @contextmanager
    def upload(self, address: str) -> Iterator[HeldBytes]:
        """For one upload, from its beginning until its answer is made. Raises Refusal (too-often)."""
        if self._by_address[address] >= self._most_of_address:
            raise too_often(5)
        self._by_address[address] += 1
        held = HeldBytes(self)
        try:
            yield held
        finally:
            self._change(-held.count)
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def take(self, count: int) -> None:
        """Raises Refusal (busy); then nothing was taken."""
        if self._held + count > self._most:
            raise busy()
        self._change(count)

    def _change(self, count: int) -> None:
        self._held += count
        metrics.portal_upload_bytes.set(self._held)


class HeldBytes:
    """What one upload holds."""

    def __init__(self, memory: UploadMemory) -> None:
        self._memory = memory
        self.count = 0

    def add(self, count: int) -> None:
        """Some more. Raises Refusal (busy)."""
        self._memory.take(count)
        self.count += count
