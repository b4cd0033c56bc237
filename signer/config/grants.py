"""[grants] of signer.toml: where the grants file lies, and whose approval it needs. Not for the file itself: `signer.authz`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signer.authz.approval import ApprovalConfig
from signer.strict_toml import StrictTable

_LEAST_IN_PRODUCTION = 2


@dataclass(frozen=True)
class GrantsConfig:
    """`file`: the grants file. `approval`: of how many administrators."""

    file: Path
    approval: ApprovalConfig


def read_grants_config(table: StrictTable, *, production: bool) -> GrantsConfig:
    """Reads the table. Raises ConfigurationError; in production also where fewer than two administrators must approve."""
    approval = ApprovalConfig(
        administrators=table.path("administrators", "administrators"),
        required=table.integer("required", 0, low=0, high=16),
        version_file=table.path("version_file", "state/grants-version"),
    )
    config = GrantsConfig(table.path("file", "grants.toml"), approval)
    table.finish()
    if production and approval.required < _LEAST_IN_PRODUCTION:
        raise table.fault(
            "required",
            f'{approval.required} approvals are not enough; mode = "production" asks for {_LEAST_IN_PRODUCTION} or more',
            "Set required = 2 (or more), and administrators = a directory with their certificates.",
        )
    return config
