"""Signed reports as read from configuration. Loads nothing that makes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportsConfig:
    """`key`: signs reports, purpose "report"; empty: reports are unsigned. `appliance`: what they call the appliance."""

    key: str
    appliance: str
