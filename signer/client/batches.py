"""Many requests as batches: a batch of a hundred costs little more than one call. Not for documents: `issue_many` streams those."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_batches(
    send: Callable[[list[Item]], Iterable[Result]], items: Iterable[Item], *, size: int, under_way: int
) -> Iterator[Result]:
    """Results in the order of the items. `send` takes up to `size` of them and runs in `under_way` threads at once.

    Raises:
        what `send` raises, at the place of its batch; batches behind it may have been sent.
    """
    remaining = iter(items)
    with ThreadPoolExecutor(under_way, thread_name_prefix="batch") as threads:
        sent: deque[Future[Iterable[Result]]] = deque()
        try:
            while True:
                while len(sent) < under_way and (batch := list(islice(remaining, size))):
                    sent.append(threads.submit(send, batch))
                if not sent:
                    return
                yield from sent.popleft().result()
        finally:
            for future in sent:
                future.cancel()
