"""A contract's term and the state that follows from it. States that need acts (surrender, endorsement) come with those acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ContractState(StrEnum):
    """The names of the public API's ContractState, without its prefix."""

    NOT_YET_IN_FORCE = "NOT_YET_IN_FORCE"
    IN_FORCE = "IN_FORCE"
    SUPERSEDED = "SUPERSEDED"
    SUSPENDED = "SUSPENDED"
    SURRENDERED = "SURRENDERED"
    LAPSED = "LAPSED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class ContractTerm:
    """When a contract is in force: from `begins_at` (included) to `ends_at` (excluded), both with a time zone."""

    number: str
    begins_at: datetime
    ends_at: datetime


def state_at(term: ContractTerm, moment: datetime) -> ContractState:
    """The state that the dates alone give."""
    if moment < term.begins_at:
        return ContractState.NOT_YET_IN_FORCE
    return ContractState.IN_FORCE if moment < term.ends_at else ContractState.LAPSED
