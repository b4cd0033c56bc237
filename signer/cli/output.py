"""How commands speak: readable lines or one JSON object, and the exit statuses that scripts rely on."""

from __future__ import annotations

import argparse
import json
import sys
from enum import IntEnum
from pathlib import Path
from typing import Any

EXIT_STATUS_HELP = """exit status:
  0  done; a verification passed
  1  a verification did not pass (wrong, changed, unsigned, unreadable, or not to be relied on)
  2  the command line is wrong
  3  the appliance refused the request (reason and remedy are printed)
  4  the appliance can't be reached, or isn't able to answer now
  5  configuration, profile or a local file can't be used
"""


class ExitStatus(IntEnum):
    """See EXIT_STATUS_HELP."""

    OK = 0
    NOT_PASSED = 1
    USAGE = 2
    REFUSED = 3
    UNAVAILABLE = 4
    LOCAL = 5


class LocalError(Exception):
    """A local file or setting can't be used; the message says which and why."""


def say(options: argparse.Namespace, values: dict[str, Any], lines: list[str]) -> None:
    """Prints the values as JSON where --json was given, else the lines."""
    if options.json:
        print(json.dumps(values, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines))


def complain(options: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    """An error: on standard error for people, on standard output for programs."""
    if getattr(options, "json", False):
        print(json.dumps({"error": values}, ensure_ascii=False, indent=2))
    else:
        print(f"signer: {text}", file=sys.stderr)


def read_file(name: str) -> bytes:
    """A file's bytes, or standard input for "-". Raises LocalError."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as problem:
        raise LocalError(f"{name}: can't be read ({problem.strerror})") from None


def write_file(name: str, content: bytes) -> None:
    """Writes a file, or standard output for "-". Raises LocalError."""
    try:
        if name == "-":
            sys.stdout.buffer.write(content)
        else:
            Path(name).write_bytes(content)
    except OSError as problem:
        raise LocalError(f"{name}: can't be written ({problem.strerror})") from None
