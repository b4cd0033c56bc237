"""Reads a file of test results: JUnit XML as pytest writes it, or JSON with the same counts. Counts alone, no test's output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from signer.errors import Reason, RequestError

_MAX_BYTES = 64 * 1024 * 1024
_JSON_KEYS = {"tests", "failures", "errors", "skipped"}


@dataclass(frozen=True)
class Results:
    """`failed`: failures and errors."""

    tests: int
    failed: int
    skipped: int


def read_results(file: Path) -> Results:
    """The counts.

    Raises:
        RequestError: INPUT_MALFORMED; neither JUnit XML nor JSON with tests, failures, errors, skipped.
        OSError: it can't be read.
    """
    content = file.read_bytes()
    if len(content) > _MAX_BYTES:
        raise _malformed(f"is larger than {_MAX_BYTES} bytes")
    return _read_json(content) if content.lstrip()[:1] == b"{" else _read_junit(content)


def _read_json(content: bytes) -> Results:
    try:
        values: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise _malformed("is not JSON") from None
    counts = {key: values.get(key) for key in _JSON_KEYS}
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts.values()):
        raise _malformed(f"lacks {', '.join(sorted(_JSON_KEYS))} as whole numbers")
    return Results(counts["tests"], counts["failures"] + counts["errors"], counts["skipped"])


class _Counter:
    """Counts elements of a JUnit file by itself: the attributes of <testsuite> are only claims."""

    def __init__(self) -> None:
        self.tests = 0
        self.skipped = 0
        self.failed = 0
        self._case_failed = True  # before the first case there is nothing that could fail
        self._root = ""

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        self._root = self._root or name
        if self._root not in {"testsuites", "testsuite"}:
            raise _malformed("is not JUnit XML")
        if name == "testcase":
            self.tests += 1
            self._case_failed = False
        elif name in {"failure", "error"} and not self._case_failed:
            self._case_failed = True
            self.failed += 1
        elif name == "skipped":
            self.skipped += 1


def _read_junit(content: bytes) -> Results:
    counter = _Counter()
    parser = expat.ParserCreate()
    parser.StartElementHandler = counter.start
    parser.StartDoctypeDeclHandler = _refuse_doctype  # no entities: nothing expands, nothing is fetched
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise _malformed("is not XML") from None
    return Results(counter.tests, counter.failed, counter.skipped)


def _refuse_doctype(*_: object) -> NoReturn:
    raise _malformed("has a document type declaration")


def _malformed(what: str) -> RequestError:
    return RequestError(
        Reason.INPUT_MALFORMED, f"the file of test results {what}", "Write one by: pytest --junitxml=FILE."
    )
