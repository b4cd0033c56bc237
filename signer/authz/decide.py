"""The decision: may this client do this, and as often as now? Deny by default; every refusal says which grant is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from signer.authz.actor import Actor
from signer.authz.ask import RPCS_WITH_USES, THE_CALL_ALONE, Ask
from signer.authz.grant import Grant, Obstacle
from signer.authz.quota import Quota
from signer.authz.rate import SharedRates
from signer.errors import AccessError, Reason

_NO_GRANTS_REMEDY = "Ask the security administrator for a grant."
_NO_QUOTA = Quota("")


@dataclass(frozen=True)
class GrantsFile:
    """What a grants file says: every grant, every quota, and the file's growing version. Checked against what exists."""

    grants: tuple[Grant, ...] = ()
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    version: int = 0

    @property
    def limits(self) -> list[str]:
        """Names of everything that has a rate, in the file's order."""
        names = [grant.name for grant in self.grants if grant.rate is not None]
        return names + [f"quota {quota.client}" for quota in self.quotas.values() if quota.rate is not None]


class Grants:
    """All grants in force. `replace` puts others in their place at once, for every thread."""

    def __init__(self, content: GrantsFile, rates_directory: Path | None = None) -> None:
        """`rates_directory`: where the processes of this appliance share what was used; None: nothing is counted."""
        self._directory = rates_directory
        self._table = _Table.of(content, rates_directory)

    @property
    def version(self) -> int:
        """Of the file in force."""
        return self._table.content.version

    @property
    def clients(self) -> frozenset[str]:
        """Every client that has a grant."""
        return frozenset(self._table.by_client)

    def replace(self, content: GrantsFile) -> None:
        """From now on these. Calls that were authorised go on."""
        self._table = _Table.of(content, self._directory)

    def quota(self, client: str) -> Quota:
        """The client's quota; one without limits where it has none."""
        return self._table.content.quotas.get(client, _NO_QUOTA)

    def authorise(self, actor: Actor, ask: Ask = THE_CALL_ALONE) -> list[Grant]:
        """The grants that cover the call, each by itself.

        Raises:
            AccessError: CLIENT_UNKNOWN, GRANT_MISSING.
        """
        return self._table.covering(actor, ask)

    def authorise_call(self, actor: Actor, items: int = 1) -> None:
        """At a call's start, before anything is done for it: may it be made at all, and now?

        `items`: of a batch; each counts against the client's quota.

        Raises:
            AccessError: CLIENT_UNKNOWN, GRANT_MISSING, RATE_EXCEEDED.
        """
        table = self._table
        covering = table.covering(actor, THE_CALL_ALONE)
        if actor.rpc not in RPCS_WITH_USES:
            table.count(actor, covering)
        table.count_quota(actor.client, items)

    def use(self, actor: Actor, ask: Ask) -> None:
        """Authorises one use of a key or template, and counts it against the rate of the grant that covers it.

        Raises:
            AccessError: CLIENT_UNKNOWN, GRANT_MISSING, RATE_EXCEEDED.
        """
        table = self._table
        table.count(actor, table.covering(actor, ask))

    def count_item(self, client: str) -> None:
        """One item of a stream, against the client's quota. Raises AccessError (RATE_EXCEEDED)."""
        self._table.count_quota(client, 1)

    def usable_keys(self, client: str) -> frozenset[str]:
        """Every key name in any of the client's grants that has not ended."""
        return frozenset().union(*(grant.keys for grant in self._table.in_force(client)))

    def may_see_template(self, client: str, template: str) -> bool:
        """Whether any of the client's grants that has not ended names the template or its class."""
        return any(grant.covers_template(Ask(template=template)) for grant in self._table.in_force(client))


@dataclass(frozen=True)
class _Table:
    """One file's grants by client, with what was used of their rates."""

    content: GrantsFile
    by_client: Mapping[str, list[Grant]]
    rates: SharedRates | None

    @classmethod
    def of(cls, content: GrantsFile, directory: Path | None) -> _Table:
        by_client: dict[str, list[Grant]] = {}
        for grant in content.grants:
            by_client.setdefault(grant.client, []).append(grant)
        rates = None
        if directory is not None and content.limits:
            # Another file has other limits at the same places: the name says which limits it is about.
            digest = hashlib.sha256("\n".join(content.limits).encode()).hexdigest()[:16]
            rates = SharedRates(directory / f"rates-{digest}", content.limits)
        return cls(content, by_client, rates)

    def in_force(self, client: str) -> list[Grant]:
        now = datetime.now(UTC)
        return [grant for grant in self.by_client.get(client, []) if grant.is_in_force(now)]

    def covering(self, actor: Actor, ask: Ask) -> list[Grant]:
        grants = self.by_client.get(actor.client)
        if not grants:
            raise AccessError(Reason.CLIENT_UNKNOWN, f"the client {actor.client!r} has no grants", _NO_GRANTS_REMEDY)
        now = datetime.now(UTC)
        covering: list[Grant] = []
        nearest: Obstacle | None = None
        for grant in grants:
            obstacle = grant.obstacle(actor, ask, now)
            if obstacle is None:
                covering.append(grant)
            elif nearest is None or obstacle.step > nearest.step:
                nearest = obstacle
        if not covering:
            assert nearest is not None
            raise AccessError(Reason.GRANT_MISSING, f"the client {actor.client!r} {nearest.text}", nearest.remedy)
        return covering

    def count(self, actor: Actor, covering: Iterable[Grant]) -> None:
        """Counts against the first of them that has room."""
        waits: list[float] = []
        for grant in covering:
            if grant.rate is None or self.rates is None:
                return
            wait = self.rates.take(grant.name, grant.rate)
            if not wait:
                return
            waits.append(wait)
        raise _too_often(f"the client {actor.client!r} calls {actor.rpc} more often than its grant allows", min(waits))

    def count_quota(self, client: str, items: int) -> None:
        quota = self.content.quotas.get(client)
        if quota is None or quota.rate is None or self.rates is None:
            return
        wait = self.rates.take(f"quota {client}", quota.rate, items)
        if wait:
            raise _too_often(f"the client {client!r} has used up its quota", wait)


def _too_often(message: str, wait: float) -> AccessError:
    return AccessError(
        Reason.RATE_EXCEEDED, message, f"Try again in {max(wait, 0.001):.3f} s, and call less often.", retry_after=wait
    )


def no_grants() -> Grants:
    """Nobody may do anything."""
    return Grants(GrantsFile())


def explain(content: GrantsFile, actor: Actor, ask: Ask, now: datetime) -> list[tuple[Grant, Obstacle | None]]:
    """Each of the client's grants with what keeps it from covering the call, None where it does."""
    return [(grant, grant.obstacle(actor, ask, now)) for grant in content.grants if grant.client == actor.client]
