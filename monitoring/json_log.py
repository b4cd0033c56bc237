"""Structured logs: one JSON object a line on standard error, with the request's id. Not the tamper-evident log.

Messages are fixed texts; details go into fields (`log.info("…", extra={"fields": {...}})`), never personal data.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonFormatter(logging.Formatter):
    """time, level, process, logger, message, request_id, fields; exceptions as type and place, without their text."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(fields)
        if record.exc_info and record.exc_info[1] is not None:
            # The text of an unknown exception may quote what a client sent; where it happened is enough to find it.
            problem = record.exc_info[1]
            line["exception"] = type(problem).__name__
            line["where"] = [
                f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)
            ][-8:]
        return json.dumps(line, ensure_ascii=False)


def configure(process: str, level: int = logging.INFO) -> None:
    """Sends all logging of this process to standard error as JSON lines; `process` names it ("worker-0")."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("alembic", "fontTools", "pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
