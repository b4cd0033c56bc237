"""What a template must be before it is published: a schema without holes, a sample that fits it, seals that stand on the page.

Not for how a page looks: that needs eyes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from policy_render.catalog import Template, TemplatePlace
from policy_render.data_formats import FORMATS
from policy_render.data_rules import resolve
from policy_render.data_schema import check_data
from policy_render.errors import Reason, RenderError

_POINTS_IN_A_MILLIMETRE = 72 / 25.4
_MEDIA_BOX = re.compile(rb"/MediaBox ?\[ ?0 0 ([0-9.]+) ([0-9.]+) ?\]")


def judge_schema(template: Template) -> None:
    """Every object is closed, every list and text has an end, every format is one that is checked.

    Raises:
        RenderError: TEMPLATE_UNFIT; says where.
    """
    try:
        Draft202012Validator.check_schema(json.loads(template.json_schema))
    except SchemaError as problem:
        raise unfit(f"schema.json is no JSON Schema: {problem.message}") from None
    if holes := list(_holes(template.validator.schema, "$")):
        raise unfit(f"schema.json: {'; '.join(holes[:10])}")


def _holes(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, member in enumerate(node):
            yield from _holes(member, f"{path}[{index}]")
    if not isinstance(node, dict):
        return
    kind = node.get("type")
    if kind == "object" and node.get("additionalProperties") is not False:
        yield f"{path} lets unknown members through (additionalProperties)"
    if kind == "array" and "maxItems" not in node:
        yield f"{path} has no maxItems"
    if kind == "string" and not {"maxLength", "pattern", "format", "enum"} & set(node):
        yield f"{path} has no maxLength"
    if isinstance(named := node.get("format"), str) and named not in FORMATS.checkers:
        yield f"{path} names a format that is not checked here; there are {', '.join(sorted(FORMATS.checkers))}"
    for key, member in node.items():
        yield from _holes(member, f"{path}.{key}")


def judge_sample(template: Template) -> None:
    """The sample has what the manifest points to, fits the schema and keeps the rules.

    Raises:
        RenderError: TEMPLATE_UNFIT; names every fault.
    """
    try:
        sample = json.loads(template.sample_json)
    except ValueError as problem:
        raise unfit(f"sample.json is not JSON: {problem}") from None
    pointers = (template.number, template.begins_at, template.ends_at, template.confirmed_at)
    for pointer in filter(None, pointers):
        try:
            resolve(sample, pointer)
        except (KeyError, TypeError):
            raise unfit(f"the manifest points to {pointer}, which the sample does not have") from None
    try:
        check_data(template, template.sample_json)
    except RenderError as problem:
        faults = "; ".join(f"{fault.field} {fault.description}" for fault in problem.violations)
        raise unfit(f"sample.json does not fit: {faults or problem.message}") from None


def judge_places(template: Template, pdf: bytes, pages: int) -> None:
    """Every seal and signature stands on a page of the sample, whole.

    Raises:
        RenderError: TEMPLATE_UNFIT; says which does not.
    """
    if not template.seal_places:
        raise unfit("the manifest has no [[seal]]: every document is sealed somewhere")
    sizes = [tuple(float(side) / _POINTS_IN_A_MILLIMETRE for side in box) for box in _MEDIA_BOX.findall(pdf)]
    for place in (*template.seal_places, *template.signature_places):
        number = place.page if place.page > 0 else pages + 1 + place.page
        if not 1 <= number <= min(pages, len(sizes)):
            raise unfit(f"a seal's page {place.page} is none of the sample's {pages}")
        if not _stands_on(place, *sizes[number - 1]):
            raise unfit(f"a seal at {place.x_mm}, {place.y_mm} mm leaves the page")


def _stands_on(place: TemplatePlace, width_mm: float, height_mm: float) -> bool:
    half = place.width_mm / 2
    return half <= place.x_mm <= width_mm - half and half <= place.y_mm <= height_mm - half


def unfit(what: str, remedy: str = "Correct the draft; docs/templates.md tells how.") -> RenderError:
    """The refusal of a draft."""
    return RenderError(Reason.TEMPLATE_UNFIT, what, remedy)
