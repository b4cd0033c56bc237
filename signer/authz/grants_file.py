"""Reads the grants file and refuses one that names something that doesn't exist: a typo must not pass silently.

Format: `format = 1`, `version = …` (grows with every change), one [[grants]] table for each client and use, and a [[quotas]]
table for each client that has one:

    [[grants]]
    client = "core"
    rpcs = ["SigningService/Sign", "DocumentService/IssueDocument"]
    keys = ["message-sm2", "seal-sm2"]
    templates = ["policy/commercial"]      # or all of a class:
    document_classes = ["endorsement"]
    profiles = ["PADES_B"]                 # of seals
    digest_signing = false
    networks = ["10.1.0.0/16"]             # left out: from anywhere
    rate = {per_second = 50, burst = 100}  # left out: no limit of its own
    until = 2027-06-30T00:00:00+08:00      # left out: for good

    [[quotas]]
    client = "core"
    rate = {per_second = 500, burst = 1000}
    at_once = 12
    weight = 2

Not for signatures on the file: `approval`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from signer.authz.decide import GrantsFile
from signer.authz.grant import Grant, Network
from signer.authz.quota import Quota
from signer.authz.rate import Rate
from signer.errors import Reason
from signer.strict_toml import StrictTable, parse_toml, read_toml

CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MAX_RATE = 1_000_000


@dataclass(frozen=True)
class Existing:
    """What grants may name."""

    rpcs: Collection[str]
    keys: Collection[str]
    templates: Collection[str]
    profiles: Collection[str]

    @property
    def document_classes(self) -> frozenset[str]:
        """The first parts of the templates' names."""
        return frozenset(template.split("/", 1)[0] for template in self.templates)


def load_grants(file: Path, existing: Existing, content: bytes | None = None) -> GrantsFile:
    """The grants in a file, checked against what exists. `content`: its bytes, where they were read (and judged) already.

    Raises:
        ConfigurationError: GRANTS_INVALID, with file, line and what is allowed.
    """
    top = (
        read_toml(file, Reason.GRANTS_INVALID) if content is None else parse_toml(file, content, Reason.GRANTS_INVALID)
    )
    top.integer("format", low=1, high=1)
    version = top.integer("version", 0, low=0, high=2**53)
    grants = tuple(_read_grant(table, f"grants[{place}]", existing) for place, table in enumerate(top.tables("grants")))
    quotas: dict[str, Quota] = {}
    for table in top.tables("quotas"):
        quota = _read_quota(table, {grant.client for grant in grants})
        if quota.client in quotas:
            raise table.fault("client", f"{quota.client!r} has a quota already")
        quotas[quota.client] = quota
    top.finish()
    return GrantsFile(grants, quotas, version)


def _read_grant(table: StrictTable, name: str, existing: Existing) -> Grant:
    client = table.string("client")
    if not CLIENT_NAME.fullmatch(client):
        raise table.fault("client", f"{client!r} is not a client name", "Use a-z, 0-9, dot, dash, underscore.")
    grant = Grant(
        client=client,
        rpcs=_known(table, "rpcs", existing.rpcs),
        keys=_known(table, "keys", existing.keys),
        templates=_known(table, "templates", existing.templates),
        document_classes=_known(table, "document_classes", existing.document_classes),
        profiles=_known(table, "profiles", existing.profiles),
        digest_signing=table.boolean("digest_signing", default=False),
        networks=tuple(_network(table, text) for text in table.strings("networks", default=())),
        rate=_read_rate(table),
        until=_read_until(table),
        name=name,
    )
    table.finish()
    if not grant.rpcs:
        raise table.fault("rpcs", "is empty", f"Allowed: {', '.join(sorted(existing.rpcs))}.")
    return grant


def _read_quota(table: StrictTable, clients: Collection[str]) -> Quota:
    quota = Quota(
        client=table.string("client", one_of=sorted(clients)),
        rate=_read_rate(table),
        at_once=table.integer("at_once", low=1, high=1024) if table.has("at_once") else None,
        weight=table.integer("weight", 1, low=1, high=1000),
    )
    table.finish()
    return quota


def _read_rate(table: StrictTable) -> Rate | None:
    if not table.has("rate"):
        return None
    values = table.table("rate")
    per_second = values.number("per_second", low=0.001, high=_MAX_RATE)
    rate = Rate(per_second, values.integer("burst", max(1, int(per_second)), low=1, high=_MAX_RATE))
    values.finish()
    return rate


def _read_until(table: StrictTable) -> datetime | None:
    until = table.moment("until")
    if until is not None and until.tzinfo is None:
        raise table.fault("until", "has no zone", "Write it with one, e.g. 2027-06-30T00:00:00+08:00.")
    return until


def _network(table: StrictTable, text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise table.fault(
            "networks", f"{text!r} is not a network", "Write e.g. 10.1.0.0/16, 192.0.2.7 or 2001:db8::/32."
        ) from None


def _known(table: StrictTable, key: str, existing: Collection[str]) -> frozenset[str]:
    names = table.strings(key, default=() if key != "rpcs" else None)
    for name in names:
        if name not in existing:
            raise table.fault(key, f"{name!r} does not exist", f"Allowed: {', '.join(sorted(existing)) or 'none'}.")
    return frozenset(names)
