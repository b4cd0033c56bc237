"""The states of a key version (NIST SP 800-57 part 1 rev. 5, clause 7) and what each of them allows.

Not for changing states: that is an act of administrators, with a record of its own.
"""

from __future__ import annotations

from enum import StrEnum


class KeyState(StrEnum):
    """SP 800-57 state names."""

    PRE_ACTIVATION = "pre-activation"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"
    COMPROMISED = "compromised"
    DESTROYED = "destroyed"

    @property
    def may_sign(self) -> bool:
        """Only an active key protects anything new."""
        return self is KeyState.ACTIVE

    @property
    def may_verify(self) -> bool:
        """What was signed before stays verifiable after deactivation and suspension, not after a compromise."""
        return self in {KeyState.ACTIVE, KeyState.SUSPENDED, KeyState.DEACTIVATED}
