"""The names in a PromQL expression: metrics with their matchers, and the labels that it groups by. Not a parser: promtool is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\d[\w.]*|[A-Za-z_:][\w:]*|=~|!~|!=|[=<>]=?|\S')
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Matcher:
    """`operation`: =, !=, =~ or !~."""

    label: str
    operation: str
    value: str


@dataclass
class Names:
    """What an expression names."""

    selectors: list[tuple[str, list[Matcher]]] = field(default_factory=list)
    grouping: set[str] = field(default_factory=set)

    @property
    def metrics(self) -> set[str]:
        """Every series name."""
        return {metric for metric, _ in self.selectors}


def names_in(expression: str) -> Names:
    """Reads an expression that promtool takes."""
    found = Names()
    tokens = _TOKEN.findall(re.sub(r"\[[^]]*\]", " ", re.sub(r"#.*", "", expression)))
    at = 0
    while at < len(tokens):
        token, following = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else ""
        at += 1
        if token in _GROUPING:
            if following == "(":
                end = tokens.index(")", at)
                found.grouping |= set(tokens[at + 1 : end]) - {","}
                at = end + 1
        elif re.match(r"[A-Za-z_:]", token) and token not in _WORDS and following != "(":
            matchers: list[Matcher] = []
            if following == "{":
                end = tokens.index("}", at)
                inside = [part for part in tokens[at + 1 : end] if part != ","]
                for label, operation, value in zip(inside[::3], inside[1::3], inside[2::3], strict=True):
                    matchers.append(Matcher(label, operation, value[1:-1]))
                at = end + 1
            # `sum by (x) (…)`: an aggregation's name is followed by its grouping, not by a bracket
            if following not in _GROUPING:
                found.selectors.append((token, matchers))
    return found
