"""What a servicer knows about the call it answers. `signer.transport` sets it; gRPC's own context goes no further than here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

from signer.authz import Actor
from signer.deadline import Deadline


@dataclass(frozen=True)
class Call:
    """`actor`: who calls what. `deadline`: when the caller stops waiting, or the server's own limit.

    `turn`: what each item of a stream waits for and holds while it is worked on; a unary call has had its turn already.
    """

    actor: Actor
    deadline: Deadline
    turn: Callable[[], AbstractContextManager[None]] = nullcontext


current_call: ContextVar[Call] = ContextVar("current_call")
