"""The [token] table → hsm.token.TokenConfig. Secrets are named (a file, a credential), never written here."""

from __future__ import annotations

from hsm.token import TokenConfig
from signer.strict_toml import StrictTable


def read_token(table: StrictTable) -> TokenConfig:
    """Raises ConfigurationError, as `load_config`."""
    raise NotImplementedError(table)
