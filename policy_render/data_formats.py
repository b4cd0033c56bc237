"""The formats that our schemas name: calendar days, points in time, amounts. JSON Schema's own "format" is an annotation only."""

from __future__ import annotations

import re
from datetime import date, datetime

from jsonschema import FormatChecker

FORMATS = FormatChecker(formats=())
AMOUNT = re.compile(r"(0|[1-9]\d{0,11})\.\d{2}")


@FORMATS.checks("day")
def _is_day(value: object) -> bool:
    """A day that exists, YYYY-MM-DD."""
    return not isinstance(value, str) or _parses(date.fromisoformat, value, r"\d{4}-\d{2}-\d{2}")


@FORMATS.checks("moment")
def _is_moment(value: object) -> bool:
    """A point in time with its zone, YYYY-MM-DDThh:mm:ss+hh:mm."""
    return not isinstance(value, str) or _parses(
        datetime.fromisoformat, value, r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}"
    )


@FORMATS.checks("amount")
def _is_amount(value: object) -> bool:
    """A decimal string with two places, without sign and leading zeros: "4280.00"."""
    return not isinstance(value, str) or AMOUNT.fullmatch(value) is not None


def _parses(parse: object, value: str, pattern: str) -> bool:
    assert callable(parse)
    if not re.fullmatch(pattern, value, re.ASCII):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True
