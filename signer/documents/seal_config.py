"""Whose seal goes onto documents, as read from configuration. Draws and signs nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SealConfig:
    """`company`: on the arc of the seal. `caption`: the line below the star. `default_key`: where a request names none."""

    company: str
    caption: str
    default_key: str
