"""The formats that our schemas name: calendar days, points in time, amounts, identity numbers as they may be printed.

JSON Schema's own "format" is an annotation only; these are checked. Not for what a regular expression can say: that stands in
the schema as a pattern, where clients' own validators see it, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

from jsonschema import FormatChecker

FORMATS = FormatChecker(formats=())
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})\.[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")
_IDENTITY_NUMBER = re.compile(r"[1-9][0-9]{16}[0-9Xx]")
# GB 11643-1999, 3.4: ISO 7064 MOD 11-2 over the first 17 digits
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"


@FORMATS.checks("day")
def _is_day(value: object) -> bool:
    """A day that exists, YYYY-MM-DD."""
    return not isinstance(value, str) or _parses(date.fromisoformat, value, _DAY)


@FORMATS.checks("moment")
def _is_moment(value: object) -> bool:
    """A point in time with its zone, YYYY-MM-DDThh:mm:ss+hh:mm."""
    return not isinstance(value, str) or _parses(datetime.fromisoformat, value, _MOMENT)


@FORMATS.checks("amount")
def _is_amount(value: object) -> bool:
    """A decimal string with two places, without sign and leading zeros: "4280.00"."""
    return not isinstance(value, str) or AMOUNT.fullmatch(value) is not None


@FORMATS.checks("signed-amount")
def _is_signed_amount(value: object) -> bool:
    """An amount that may be negative: "-120.00". Nought has no sign."""
    return not isinstance(value, str) or (value != "-0.00" and AMOUNT.fullmatch(value.removeprefix("-")) is not None)


@FORMATS.checks("masked")
def _is_masked(value: object) -> bool:
    """Anything but a resident's whole identity number, which has no place on a document that travels."""
    return not isinstance(value, str) or not _is_identity_number(value)


def _is_identity_number(text: str) -> bool:
    """GB 11643-1999: six digits of a place, a birthday, three digits, a check character."""
    if not _IDENTITY_NUMBER.fullmatch(text):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_IDENTITY_WEIGHTS, text[:17], strict=True))
    birthday = f"{text[6:10]}-{text[10:12]}-{text[12:14]}"
    return _IDENTITY_CHECKS[total % 11] == text[17].upper() and _parses(date.fromisoformat, birthday, _DAY)


def _parses(parse: Callable[[str], object], value: str, pattern: re.Pattern[str]) -> bool:
    if not pattern.fullmatch(value):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True
