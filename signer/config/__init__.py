"""The configuration file (signer.toml): strict TOML, composed of the components' own types. Parsed is not yet usable."""

from signer.config.appliance import ApplianceConfig, load_config

__all__ = ["ApplianceConfig", "load_config"]
