"""Which keys the appliance has: records, versions, life cycle states. The keys themselves stay in the token (`hsm`)."""

from signer.keys.lifecycle import KeyState
from signer.keys.record import KeyVersion, Purpose
from signer.keys.registry import KeyRegistry

__all__ = ["KeyRegistry", "KeyState", "KeyVersion", "Purpose"]
