"""Data that doesn't fit a form is refused with the path of every fault: over all templates, and what is peculiar to some."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from policy_render.catalog import Catalog, Template
from policy_render.data_rules import AdditionRule, CapitalsRule, amount_in_capitals, resolve
from policy_render.data_schema import check_data
from policy_render.errors import RenderError
from tests.template_data import as_json, emptiest, longest

_CATALOG = Catalog.load()
_FORMS = [template for template in _CATALOG.current() if template.name.split("/")[0] not in {"evidence", "drill"}]
_each = pytest.mark.parametrize("template", _FORMS, ids=lambda template: template.name)
Change = Callable[[dict[str, Any]], object]


def _faults(template: Template, data: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(RenderError) as caught:
        check_data(template, as_json(data))
    return {violation.field: violation.description for violation in caught.value.violations}


def _sample(template: Template) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(template.sample_json)
    return data


@_each
def test_emptiest_and_longest_data_fit(template: Template) -> None:
    check_data(template, as_json(emptiest(template)))
    check_data(template, as_json(longest(template)))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path, the object or list that holds it, and its name there, of every text."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        inner = f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}"
        if isinstance(member, str):
            yield inner, value, name
        yield from _leaves(member, inner)


@_each
@pytest.mark.parametrize("bad", ["", " ", "x\n", "字" * 2001, None, -1.5, []], ids=repr)
def test_no_text_takes_nothing_blanks_control_characters_or_endless_text(template: Template, bad: Any) -> None:
    data = _sample(template)
    paths = []
    for path, parent, name in list(_leaves(data, "$")):
        parent[name] = bad
        paths.append(path)
    faults = _faults(template, data)
    # a text may have two faults, and no more than a hundred are told
    assert set(faults) == set(paths) if len(paths) <= 50 else len(set(faults) & set(paths)) == len(faults) >= 50
    assert "字字" not in str(faults)


@_each
def test_capitals_that_disagree_are_told(template: Template) -> None:
    for rule in template.rules:
        if isinstance(rule, CapitalsRule):
            data = _sample(template)
            try:
                parent = resolve(data, rule.text.rpartition("/")[0])
            except KeyError:
                continue
            parent[rule.text.rpartition("/")[2]] = amount_in_capitals("1.23")
            told = _faults(template, data)
            assert list(told) == ["$" + rule.text.replace("/", ".")]
            assert "大写" in next(iter(told.values()))


@_each
def test_every_amount_in_capitals_is_held_by_a_rule(template: Template) -> None:
    held = {rule.text for rule in template.rules if isinstance(rule, CapitalsRule)}
    found = {
        path.removeprefix("$").replace(".", "/")
        for path, _, name in _leaves(longest(template), "$")
        if str(name).endswith("_capitals")
    }
    assert found == held


def _proposals() -> list[Template]:
    return [template for template in _FORMS if template.name.startswith("proposal/")]


@pytest.mark.parametrize("template", _proposals(), ids=lambda template: template.name)
def test_a_proposal_is_for_one_insurance_at_least(template: Template) -> None:
    data = _sample(template)
    payable = {name: data[name]["premium"]["total"] for name in ("commercial", "compulsory")}
    for name, total in payable.items():
        alone = _sample(template)
        del alone[name]
        alone.get("compulsory", {}).pop("vehicle_tax", None)
        (other,) = set(payable) - {name}
        alone["payable"] = {"total": payable[other], "total_capitals": amount_in_capitals(payable[other])}
        check_data(template, as_json(alone))
        alone["payable"] = {"total": total, "total_capitals": amount_in_capitals(total)}
        assert list(_faults(template, alone)) == ["$.payable.total"]
    del data["commercial"], data["compulsory"]
    assert _faults(template, data) == {"$": "must have at least one of: commercial, compulsory"}


def _days(data: dict[str, Any]) -> None:
    data["vehicle"]["first_registered"] = "2026-02-30"


@pytest.mark.parametrize(
    ("name", "change", "path", "told"),
    [
        ("proposal/single-trip", lambda d: d.update(drivers=[]), "$.drivers", "minItems 1"),
        ("proposal/single-trip", lambda d: d.pop("drivers"), "$", "lacks drivers"),
        ("proposal/single-trip", lambda d: d["trip"].update(kilometres=0), "$.trip.kilometres", "minimum 1"),
        (
            "proposal/single-trip",
            lambda d: d["trip"].update(arrives_at="2026-09-01T08:00:00+08:00"),
            "$.trip.arrives_at",
            "is not after",
        ),
        ("proposal/motor", _days, "$.vehicle.first_registered", "a day that exists"),
        (
            "proposal/motor",
            lambda d: d["drivers"][0].update(licence_number="11010519491231002X"),
            "$.drivers[0].licence_number",
            "mask it",
        ),
        ("proposal/new-energy", lambda d: d["vehicle"].pop("new_energy"), "$.vehicle", "lacks new_energy"),
        ("proposal/special-vehicle", lambda d: d["special_vehicle"].update({"class": "特种车"}), "$.special_vehicle.class", "one of"),
        ("policy/commercial", lambda d: d.update(special_agreements=["约" * 2001]), "$.special_agreements[0]", "2000"),
        ("policy/compulsory", lambda d: d["vehicle_tax"].update(current="-1.00"), "$.vehicle_tax.current", "two places"),
        ("policy/compulsory", lambda d: d["vehicle_tax"].update(late_fee="1.00"), "$.vehicle_tax.total", "is not the sum"),
        ("policy/compulsory", lambda d: d["floating"].update(accidents="10"), "$.floating.accidents", "must match"),
        ("policy/compulsory", lambda d: d["limits"]["at_fault"].update(medical="-0.01"), "$.limits.at_fault.medical", "two places"),
        ("endorsement/commercial", lambda d: d["premium"].update(change="286.52"), "$.premium.change", "less"),
        ("endorsement/commercial", lambda d: d["premium"].update(change="-0.00"), "$.premium.change", "nought without a sign"),
        ("endorsement/commercial", lambda d: d["premium"].update(before="-1.00"), "$.premium.before", "two places"),
        ("endorsement/commercial", lambda d: d.update(changes=[]), "$.changes", "minItems 1"),
        ("endorsement/commercial", lambda d: d.update(changes=d["changes"] * 67), "$.changes", "maxItems 200"),
        ("endorsement/compulsory", lambda d: d["requested_by"].update(capacity="agent"), "$.requested_by.capacity", "one of"),
        ("endorsement/compulsory", lambda d: d.pop("requested_by"), "$", "lacks requested_by"),
        ("mark/compulsory", lambda d: d["vehicle"].update(kind="车" * 41), "$.vehicle.kind", "40"),
        ("companion/clauses", lambda d: d.update(sections=[]), "$.sections", "minItems 1"),
        ("companion/premium-floating", lambda d: d["claims"][0].update(fatal="no"), "$.claims[0].fatal", "true or false"),
        (
            "companion/payment-authorisation",
            lambda d: d["policyholder"].update(id_number="11010519491231002X"),
            "$.policyholder.id_number",
            "mask it",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_path(name: str, change: Change, path: str, told: str) -> None:
    template = _CATALOG.get(name)
    data = _sample(template)
    change(data)
    assert told in _faults(template, data)[path]


def test_five_hundred_characters_of_agreement_and_forty_lines_of_changes_are_not_too_many() -> None:
    policy = _sample(_CATALOG.get("policy/compulsory"))
    policy["special_agreements"] = ["约" * 500] * 3
    check_data(_CATALOG.get("policy/compulsory"), as_json(policy))
    endorsement = _sample(_CATALOG.get("endorsement/commercial"))
    endorsement["changes"] = endorsement["changes"] * 20
    check_data(_CATALOG.get("endorsement/commercial"), as_json(endorsement))


def test_data_of_a_commercial_policy_of_version_1_is_taken_by_version_2() -> None:
    first, second = _CATALOG.get("policy/commercial@1"), _CATALOG.get("policy/commercial@2")
    check_data(second, first.sample_json)
    check_data(second, as_json(longest(first)))


def test_vehicle_tax_adds_up_wherever_it_is_collected() -> None:
    for template in _FORMS:
        taxes = [rule for rule in template.rules if isinstance(rule, AdditionRule) and "vehicle_tax" in rule.total]
        assert bool(taxes) == ("vehicle_tax" in template.json_schema), template.name
