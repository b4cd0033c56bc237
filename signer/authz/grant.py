"""One grant: a client, and what it may use, from where, how often, until when. Parsed; `grants_file` checks it against what exists.

Not for quotas, which hold for all of a client's calls together.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache

from signer.authz.actor import Actor
from signer.authz.ask import Ask
from signer.authz.rate import Rate

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ASK = "Ask the security administrator for the grant, or use another one."


class Step(IntEnum):
    """What a grant is asked, in this order; the further it went, the better it explains a refusal."""

    RPC = 0
    NETWORK = 1
    UNTIL = 2
    TEMPLATE = 3
    PROFILE = 4
    KEY = 5
    DIGEST = 6


@dataclass(frozen=True)
class Obstacle:
    """Why a grant does not cover a call. `text` ends a sentence that begins with the client; it is safe to show to it."""

    step: Step
    text: str
    remedy: str = _ASK


@dataclass(frozen=True)
class Grant:
    """What one client may do.

    `rpcs`: "Service/Method" names. `keys` and `templates`: names without versions. `document_classes`: every template whose
    name begins so. `profiles`: of seals. `networks`: empty: from anywhere. `until`: with its zone; None: for good.
    `digest_signing`: may have digests signed that we did not compute ourselves; apart, since whoever may do this decides
    what the signature means. `name`: which of the file's grants it is, for explanations and for its rate.
    """

    client: str
    rpcs: frozenset[str]
    keys: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    document_classes: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    digest_signing: bool = False
    networks: tuple[Network, ...] = ()
    rate: Rate | None = None
    until: datetime | None = None
    name: str = ""

    def is_in_force(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.until is None or now < self.until

    def covers_template(self, ask: Ask) -> bool:
        """Whether the template is named, or its class."""
        return ask.template is None or ask.template in self.templates or ask.document_class in self.document_classes

    def obstacle(self, actor: Actor, ask: Ask, now: datetime) -> Obstacle | None:
        """What keeps it from covering the call; None where nothing does."""
        if actor.rpc not in self.rpcs:
            return Obstacle(Step.RPC, f"may not call {actor.rpc}")
        if self.networks and not _is_within(actor.address, self.networks):
            return Obstacle(Step.NETWORK, f"may not call {actor.rpc} from {actor.address or 'here'}")
        if not self.is_in_force(now):
            return Obstacle(Step.UNTIL, f"may not call {actor.rpc} any longer: the grant ended at {self.until}")
        return self._use_obstacle(actor.rpc, ask)

    def _use_obstacle(self, rpc: str, ask: Ask) -> Obstacle | None:
        if not self.covers_template(ask):
            return Obstacle(Step.TEMPLATE, f"may not use the template {ask.template!r} for {rpc}")
        if ask.profile is not None and ask.profile not in self.profiles:
            return Obstacle(Step.PROFILE, f"may not have documents sealed as {ask.profile}")
        if ask.key is not None and ask.key not in self.keys:
            return Obstacle(Step.KEY, f"may not use the key {ask.key!r} for {rpc}")
        if ask.digest and not self.digest_signing:
            return Obstacle(
                Step.DIGEST,
                f"may not have digests signed with the key {ask.key!r}",
                "Send the message itself, or ask the security administrator for digest_signing.",
            )
        return None


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
