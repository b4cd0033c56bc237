"""All probes by name, and how they are run: whatever one of them raises is an answer of its own, never the end of the pack."""

from __future__ import annotations

from hsm.errors import HsmError
from signer.errors import Reason, SignerError
from signer.evidence.fact import Fact, Observation, Outcome, Probe, printable
from signer.evidence.probes import (
    access,
    keys,
    listeners,
    log,
    monitoring,
    processes,
    program,
    records,
    token,
)
from signer.evidence.remote import Refused
from signer.evidence.surroundings import Surroundings

ALL: tuple[Probe, ...] = (
    *listeners.PROBES,
    *access.PROBES,
    *keys.PROBES,
    *token.PROBES,
    *log.PROBES,
    *records.PROBES,
    *processes.PROBES,
    *program.PROBES,
    *monitoring.PROBES,
)
NAMES = frozenset(probe.name for probe in ALL)
# What these errors say was seen: something was tampered with.
_CONTRARY = frozenset(
    {
        Reason.CHECKPOINT_WRONG,
        Reason.LOG_DAMAGED,
        Reason.LOG_PROOF_WRONG,
        Reason.SIGNATURE_WRONG,
        Reason.STORAGE_CORRUPTED,
    }
)


def observe(probe: Probe, surroundings: Surroundings) -> Observation:
    """What the probe saw. Raises nothing."""
    try:
        seen = probe.look(surroundings)
    except Refused as problem:
        return _not_seen(problem.told)
    except (SignerError, HsmError) as problem:
        outcome = Outcome.CONTRARY if problem.reason in _CONTRARY else Outcome.UNKNOWN
        return _not_seen(problem.reason.value, outcome)
    except OSError as problem:
        return _not_seen(problem.strerror or type(problem).__name__)
    except Exception as problem:  # noqa: BLE001 - a probe that breaks must not take the others' evidence with it
        return _not_seen(type(problem).__name__)
    facts = [Fact(fact.name, fact.title_zh, printable(fact.value) or "—", fact.kind) for fact in seen.facts]
    return Observation(seen.outcome, printable(seen.told_zh), printable(seen.told_en), facts)


def _not_seen(why: str, outcome: Outcome = Outcome.UNKNOWN) -> Observation:
    if outcome is Outcome.CONTRARY:
        return Observation(
            outcome, printable(f"查看时发现问题：{why}"), printable(f"looking at it found a fault: {why}")
        )
    return Observation(outcome, printable(f"未能查看：{why}"), printable(f"could not be looked at: {why}"))
