"""What a worker asks the inspector's process: a task, its argument, a PDF, in one message. Values only; opens nothing."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import IntEnum

MAX_HITS = 1_000
MAX_PAGES = 10_000
_HEAD = struct.Struct(">BI")


class Task(IntEnum):
    """INSPECT: the report on a file. FIND_TEXT: where the argument stands in it. PREPARE: the update of a `StrangerPlan`."""

    INSPECT = 1
    FIND_TEXT = 2
    PREPARE = 3


def write_task(task: Task, argument: str, pdf: bytes) -> bytes:
    """The message."""
    text = argument.encode()
    return b"".join([_HEAD.pack(task, len(text)), text, pdf])


def read_task(message: bytes) -> tuple[Task, str, bytes]:
    """Its parts. Raises ValueError; only workers of ours send messages, so that is a fault of ours."""
    task, length = _HEAD.unpack_from(message)
    start = _HEAD.size + length
    return Task(task), message[_HEAD.size : start].decode(), message[start:]


@dataclass(frozen=True)
class TextPlace:
    """The middle of a text that was found: page from 1, millimetres from the page's top left, y downwards."""

    page: int
    x_mm: float
    y_mm: float


def places_to_json(places: list[TextPlace]) -> bytes:
    """For the way to the worker."""
    return json.dumps([[place.page, round(place.x_mm, 3), round(place.y_mm, 3)] for place in places]).encode()


def places_from_json(data: bytes) -> list[TextPlace]:
    """Reads an answer from a process that may be owned by a hostile file. Raises ValueError."""
    try:
        values = json.loads(data)
        places = [TextPlace(int(page), float(x), float(y)) for page, x, y in values]
    except (TypeError, RecursionError, OverflowError):
        raise ValueError("not a list of places") from None
    if len(places) > MAX_HITS or not all(1 <= place.page <= MAX_PAGES for place in places):
        raise ValueError("not places of a document")
    return places
