"""Takes a client's JSON and finds every fault in it at once, each with its path. Faults are described, values never quoted.

Not for what can be printed: that depends on the fonts, and the renderer checks it (`fonts`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from policy_render.catalog import Template
from policy_render.data_rules import resolve
from policy_render.errors import Reason, RenderError, Violation

MAX_DATA_BYTES = 1024 * 1024
_MAX_VIOLATIONS = 100
# Where hostile data breaks off the work; the largest honest document has some hundred values.
_MAX_VALUES = 20_000
_MAX_DEPTH = 32
_MAX_ERRORS = 1_000
_MAX_NAMES_SHOWN = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class DocumentData:
    """Data that fits its template. `text`: as the client sent it, and as it is attached to the PDF.

    `begins_at`, `ends_at`: the contract's term; None where the template has none.
    """

    text: str
    values: Mapping[str, Any]
    number: str
    begins_at: datetime | None
    ends_at: datetime | None


class _Object(dict[str, Any]):
    """A JSON object that remembers keys that stood in it more than once."""

    repeated: tuple[str, ...] = ()


def check_data(template: Template, data_json: str) -> DocumentData:
    """The data, if it is right.

    Raises:
        RenderError: DATA_MALFORMED (not the JSON we take), DATA_INVALID (with up to 100 violations).
    """
    values = _parse(data_json)
    violations = list(_faults_outside_schema(values))
    errors = islice(template.validator.iter_errors(values), _MAX_ERRORS)
    violations += [
        Violation(error.json_path, _describe(error)) for error in sorted(errors, key=lambda error: error.json_path)
    ]
    violations = list(dict.fromkeys(violations))  # "required" fails once for each member and names them all
    if not violations:
        violations = [violation for rule in template.rules for violation in rule.check(values)]
    if violations:
        raise RenderError(
            Reason.DATA_INVALID,
            f"the data has {len(violations)} fault{'s' if len(violations) > 1 else ''}; "
            f"the first: {violations[0].field} {violations[0].description}",
            "Correct every field that is named; GetTemplate gives the schema and a sample.",
            violations=tuple(violations[:_MAX_VIOLATIONS]),
        )
    return DocumentData(
        text=data_json,
        values=values,
        number=resolve(values, template.number),
        begins_at=_moment(values, template.begins_at),
        ends_at=_moment(values, template.ends_at),
    )


def _moment(values: Any, pointer: str | None) -> datetime | None:
    return None if pointer is None else datetime.fromisoformat(resolve(values, pointer))


def _parse(data_json: str) -> Any:
    if len(data_json.encode("utf-8", "surrogatepass")) > MAX_DATA_BYTES:
        raise _malformed("is larger than 1 MiB")
    try:
        return json.loads(data_json, object_pairs_hook=_make_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise _malformed("is nested too deeply") from None
    except json.JSONDecodeError as problem:
        raise _malformed(f"is not JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}") from None
    except ValueError:  # a whole number of more digits than Python converts
        raise _malformed("holds a number of thousands of digits") from None


def _make_object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        made.repeated = tuple(sorted(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return made


def _refuse_constant(name: str) -> Any:
    raise _malformed(f"is not JSON: it has no {name}")


def _malformed(what: str) -> RenderError:
    return RenderError(Reason.DATA_MALFORMED, f"data_json {what}", "Send UTF-8 JSON by the template's schema.")


def _faults_outside_schema(values: Any) -> Iterator[Violation]:
    """Keys that stand twice, and control characters: a schema sees neither (its patterns' "$" passes over a last new line)."""
    for count, (path, value) in enumerate(_walk(values, "$", 0)):
        if count > _MAX_VALUES:
            raise _malformed(f"holds more than {_MAX_VALUES} values")
        if isinstance(value, str):
            if not value.isprintable() and (control := _CONTROL.search(value)):
                yield Violation(path, f"holds a control character (U+{ord(control[0]):04X})")
        elif isinstance(value, _Object):
            for key in value.repeated[:_MAX_VIOLATIONS]:
                yield Violation(f"{path}.{_shown(key)}", "stands more than once")


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Every value with its path, depth first."""
    if depth > _MAX_DEPTH:
        raise _malformed("is nested too deeply")
    yield path, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _walk(member, f"{path}.{_shown(key)}", depth + 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _walk(member, f"{path}[{index}]", depth + 1)


def _shown(key: str) -> str:
    """A key as it may stand in a message: short, and without characters that would turn or break a line."""
    return "".join(character if character.isprintable() else "?" for character in key[:80])


_FORMAT_TEXTS = {
    "day": "must be a day that exists, as YYYY-MM-DD",
    "moment": "must be a time with its zone, as 2026-10-01T00:00:00+08:00",
    "amount": 'must be a decimal string with two places, as "4280.00"',
    "signed-amount": 'must be a decimal string with two places, as "-120.00"; nought without a sign',
    "masked": "must not be a whole identity number: mask it, as 110101********001X",
}
_PATTERN_TEXTS = {r"^\S(.*\S)?$": "must not be blank, nor begin or end with a blank"}
_TYPE_TEXTS = {
    "string": "a string",
    "array": "a list",
    "object": "an object",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _describe(error: ValidationError) -> str:
    """What is wanted, without a word of what was sent: it may be personal."""
    keyword = str(error.validator)
    describe = _DESCRIPTIONS.get(keyword)
    wanted: Any = error.validator_value
    return f"breaks the schema's {keyword}" if describe is None else describe(wanted, error)


def _describe_required(wanted: Any, error: ValidationError) -> str:
    instance: Any = error.instance
    return f"lacks {', '.join(name for name in wanted if name not in instance)}"


def _describe_unknown(_wanted: Any, error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    unknown = sorted(_shown(name) for name in set(instance) - set(schema.get("properties", {})))
    more = f" and {len(unknown) - _MAX_NAMES_SHOWN} more" if len(unknown) > _MAX_NAMES_SHOWN else ""
    return f"has unknown members: {', '.join(unknown[:_MAX_NAMES_SHOWN])}{more}"


def _describe_type(wanted: Any, error: ValidationError) -> str:
    number_for_text = wanted == "string" and isinstance(error.instance, int | float)
    hint = " (amounts are decimal strings)" if number_for_text else ""
    return f"must be {_TYPE_TEXTS.get(wanted, wanted)}{hint}"


def _describe_limit(wanted: Any, error: ValidationError) -> str:
    return f"must have {error.validator} {wanted}"


def _names_of_ways(ways: Any) -> str:
    return ", ".join(name for way in ways for name in way["required"])


_DESCRIPTIONS: dict[str, Callable[[Any, ValidationError], str]] = {
    "required": _describe_required,
    "additionalProperties": _describe_unknown,
    "type": _describe_type,
    "format": lambda wanted, _: _FORMAT_TEXTS[wanted],
    "enum": lambda wanted, _: f"must be one of: {', '.join(str(value) for value in wanted)}",
    "pattern": lambda wanted, _: _PATTERN_TEXTS.get(wanted, f"must match {wanted}"),
    "oneOf": lambda wanted, _: f"must have exactly one of: {_names_of_ways(wanted)}",
    "anyOf": lambda wanted, _: f"must have at least one of: {_names_of_ways(wanted)}",
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"), _describe_limit),
}
