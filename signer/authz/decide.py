"""The decision: may this client do this? Every refusal says which grant is missing. Not for quotas and rates."""

from __future__ import annotations

from collections.abc import Iterable

from signer.authz.grant import Grant
from signer.errors import AccessError, Reason

_ASK = "Ask the security administrator for the grant, or use another one."


class Grants:
    """All grants in force, checked against what exists."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._grants: dict[str, list[Grant]] = {}
        for grant in grants:
            self._grants.setdefault(grant.client, []).append(grant)

    def _of(self, client: str, rpc: str) -> list[Grant]:
        grants = self._grants.get(client)
        if not grants:
            raise AccessError(Reason.CLIENT_UNKNOWN, f"the client {client!r} has no grants", _ASK)
        fitting = [grant for grant in grants if rpc in grant.rpcs]
        if not fitting:
            raise AccessError(Reason.GRANT_MISSING, f"the client {client!r} may not call {rpc}", _ASK)
        return fitting

    def authorise_call(self, client: str, rpc: str) -> None:
        """Raises AccessError (CLIENT_UNKNOWN, GRANT_MISSING) unless the client may call the RPC at all."""
        self._of(client, rpc)

    def authorise_key(self, client: str, rpc: str, key: str, *, digest: bool = False) -> None:
        """Raises AccessError unless one grant covers the RPC with that key (and with digests, where one is given)."""
        fitting = [grant for grant in self._of(client, rpc) if key in grant.keys]
        if not fitting:
            raise AccessError(
                Reason.GRANT_MISSING, f"the client {client!r} may not use the key {key!r} for {rpc}", _ASK
            )
        if digest and not any(grant.digest_signing for grant in fitting):
            raise AccessError(
                Reason.GRANT_MISSING,
                f"the client {client!r} may not have digests signed with the key {key!r}",
                "Send the message itself, or ask the security administrator for digest_signing.",
            )

    def authorise_template(self, client: str, rpc: str, template: str) -> None:
        """Raises AccessError unless one grant covers the RPC with that template."""
        if not any(template in grant.templates for grant in self._of(client, rpc)):
            raise AccessError(
                Reason.GRANT_MISSING, f"the client {client!r} may not use the template {template!r} for {rpc}", _ASK
            )

    def usable_keys(self, client: str) -> frozenset[str]:
        """Every key name in any of the client's grants."""
        return frozenset().union(*(grant.keys for grant in self._grants.get(client, [])))

    def usable_templates(self, client: str) -> frozenset[str]:
        """Every template in any of the client's grants."""
        return frozenset().union(*(grant.templates for grant in self._grants.get(client, [])))
