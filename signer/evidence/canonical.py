"""Canonical JSON as packs and drill records are written: sorted keys, no spaces, UTF-8. Equal content has equal bytes.

Also the times in them, as the templates' format "moment" wants them. Strict when read: a key that stands twice is an error.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from signer.errors import Reason, RequestError

_BEIJING = timezone(timedelta(hours=8))
MAX_BYTES = 1024 * 1024  # what a template's data may be: policy_render.data_schema


def canonical(values: dict[str, Any]) -> str:
    """The one text of these values."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def moment(value: datetime) -> str:
    """A time with a zone, in Beijing's and to the second."""
    return value.astimezone(_BEIJING).isoformat(timespec="seconds")


def read_object(content: bytes, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RequestError: INPUT_MALFORMED; `what` begins the message.
    """
    if len(content) > MAX_BYTES:
        raise malformed(f"{what} is larger than {MAX_BYTES} bytes")
    try:
        values = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise malformed(f"{what} is not JSON, or has a key twice") from None
    if not isinstance(values, dict):
        raise malformed(f"{what} is not a JSON object")
    return values


def read_bytes(file: Path) -> bytes:
    """A file's content. Raises RequestError (INPUT_MALFORMED)."""
    try:
        return file.read_bytes()
    except OSError as problem:
        raise malformed(f"{file} can't be read ({problem.strerror})") from None


def malformed(message: str, remedy: str = "") -> RequestError:
    """The error for a file that is not what it should be."""
    return RequestError(Reason.INPUT_MALFORMED, message, remedy)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _refuse(name: str) -> Any:
    raise ValueError(name)
