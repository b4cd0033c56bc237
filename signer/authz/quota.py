"""A client's quota: what all its calls together may take, and its share where there is not enough for everybody. Parsed only."""

from __future__ import annotations

from dataclasses import dataclass

from signer.authz.rate import Rate


@dataclass(frozen=True)
class Quota:
    """`rate`: calls a second, each item of a batch or stream counted; None: as many as there is room for.

    `at_once`: calls of it that one worker works on at the same time; None: no limit of its own. `weight`: its share when
    clients compete: one with 2 gets twice as much time as one with 1.
    """

    client: str
    rate: Rate | None = None
    at_once: int | None = None
    weight: int = 1
