"""Whether the time of day may be believed: steps, a memory over restarts, and sources outside that must agree.

A watch process judges and publishes; whoever signs asks `TrustedClock` first. Not for setting the clock, and not for proving
time to others: timestamps do that.
"""

from signer.clock.published import TrustedClock
from signer.clock.settings import ClockConfig

__all__ = ["ClockConfig", "TrustedClock"]
