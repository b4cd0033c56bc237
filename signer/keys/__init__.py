"""Which keys the appliance has: records, versions, life cycle states. The keys themselves stay in the token (`hsm`)."""

from signer.keys.lifecycle import KeyState
from signer.keys.record import KeyVersion, Purpose

__all__ = ["KeyState", "KeyVersion", "Purpose"]
