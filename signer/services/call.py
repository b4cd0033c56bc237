"""What a servicer knows about the call it answers. `signer.transport` sets it; gRPC's own context goes no further than here."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from signer.authz import Actor
from signer.deadline import Deadline


@dataclass(frozen=True)
class Call:
    """`actor`: who calls what. `deadline`: when the caller stops waiting, or the server's own limit."""

    actor: Actor
    deadline: Deadline


current_call: ContextVar[Call] = ContextVar("current_call")
