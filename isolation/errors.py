"""The errors of messages between processes. Callers turn them into their own package's errors: these name no remedy."""

from __future__ import annotations


class IsolationError(Exception):
    """Root of this package's errors."""


class PeerClosed(IsolationError):
    """The other process went away before its message was whole."""


class FrameTooLarge(IsolationError):
    """A message is longer than the receiver takes."""


class PoolUnavailable(IsolationError):
    """No process of the pool can be reached."""


class PoolTimeout(IsolationError):
    """No answer came in time."""
