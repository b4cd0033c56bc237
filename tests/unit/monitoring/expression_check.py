"""Does a PromQL expression name only what there is? Used on alert rules and on dashboards."""

from __future__ import annotations

import re

from tests.unit.monitoring.known_series import ADDED_BY_PROMETHEUS, label_values, series
from tests.unit.monitoring.promql_names import Matcher, names_in

_SERIES = series()
_VALUES = label_values()


def faults_of(expression: str, recorded: dict[str, set[str]]) -> list[str]:
    """What is wrong with it, in words. `recorded`: names of recording rules with the labels of their results."""
    faults = []
    names = names_in(expression)
    if not names.selectors:
        faults.append("names no metric")
    labels: set[str] = set(ADDED_BY_PROMETHEUS)
    for metric, matchers in names.selectors:
        if metric in recorded:
            labels |= recorded[metric]
        elif metric in _SERIES:
            labels |= _SERIES[metric]
            faults += [fault for matcher in matchers for fault in _faults_of_matcher(metric, matcher)]
        else:
            faults.append(f"{metric} does not exist")
    faults += [f"no metric here has the label {label}" for label in sorted(names.grouping - labels)]
    return faults


def _faults_of_matcher(metric: str, matcher: Matcher) -> list[str]:
    if matcher.label in ADDED_BY_PROMETHEUS:
        return []
    if matcher.label not in _SERIES[metric]:
        return [f"{metric} has no label {matcher.label}"]
    known = _VALUES.get((metric, matcher.label))
    if known is None:
        return [f"known_series does not say which values {matcher.label} of {metric} has"]
    wanted = [matcher.value]
    if matcher.operation in ("=~", "!~"):
        wanted = _alternatives(matcher.value)
    return [
        f"{matcher.label} of {metric} is never {value}"
        for value in wanted
        if not any(re.fullmatch(value, one) for one in known)
    ]


def _alternatives(pattern: str) -> list[str]:
    """`a|b/(c|d)` → a, b/c, b/d: each alternative must be a value that there is. Brackets are not nested."""
    found = []
    for part in re.split(r"\|(?![^(]*\))", pattern):
        inner = re.fullmatch(r"(.*?)\(([^()]*)\)(.*)", part)
        found += [inner[1] + choice + inner[3] for choice in inner[2].split("|")] if inner else [part]
    return found
