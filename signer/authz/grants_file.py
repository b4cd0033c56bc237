"""Reads the grants file and refuses one that names an RPC, key or template that doesn't exist: a typo must not pass silently.

Format: `format = 1`, then one [[grants]] table for each client and use:

    [[grants]]
    client = "core"
    rpcs = ["SigningService/Sign", "SigningService/Verify"]
    keys = ["message-sm2"]
    templates = ["policy/commercial"]
    digest_signing = false
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from signer.authz.decide import Grants
from signer.authz.grant import Grant
from signer.errors import Reason
from signer.strict_toml import StrictTable, read_toml

_CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def load_grants(file: Path, *, rpcs: Collection[str], keys: Collection[str], templates: Collection[str]) -> Grants:
    """The grants in a file, checked against the RPCs, keys and templates that exist.

    Raises:
        ConfigurationError: GRANTS_INVALID, with file, line and what is allowed.
    """
    top = read_toml(file, Reason.GRANTS_INVALID)
    top.integer("format", low=1, high=1)
    grants = [_read_grant(table, rpcs, keys, templates) for table in top.tables("grants")]
    top.finish()
    return Grants(grants)


def _read_grant(table: StrictTable, rpcs: Collection[str], keys: Collection[str], templates: Collection[str]) -> Grant:
    client = table.string("client")
    if not _CLIENT_NAME.fullmatch(client):
        raise table.fault("client", f"{client!r} is not a client name", "Use a-z, 0-9, dot, dash, underscore.")
    grant = Grant(
        client=client,
        rpcs=_known(table, "rpcs", rpcs),
        keys=_known(table, "keys", keys),
        templates=_known(table, "templates", templates),
        digest_signing=table.boolean("digest_signing", default=False),
    )
    table.finish()
    if not grant.rpcs:
        raise table.fault("rpcs", "is empty", f"Allowed: {', '.join(sorted(rpcs))}.")
    return grant


def _known(table: StrictTable, key: str, existing: Collection[str]) -> frozenset[str]:
    names = table.strings(key, default=() if key != "rpcs" else None)
    for name in names:
        if name not in existing:
            raise table.fault(key, f"{name!r} does not exist", f"Allowed: {', '.join(sorted(existing)) or 'none'}.")
    return frozenset(names)
