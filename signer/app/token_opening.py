"""Opens the configured tokens, each in the process that is meant to; a production configuration takes no development token."""

from __future__ import annotations

from hsm.token import Pkcs11Token, Token
from signer.config import ApplianceConfig
from signer.errors import ConfigurationError, Reason


def open_token(config: ApplianceConfig) -> Pkcs11Token:
    """The configured token. Raises HsmError; ConfigurationError for a development token in production."""
    token = Pkcs11Token.from_config(config.token)
    refuse_development_token(config, token)
    return token


def refuse_development_token(config: ApplianceConfig, token: Token) -> None:
    """Raises ConfigurationError where the configuration is for production and the token is not."""
    if config.production and token.information().is_development:
        raise ConfigurationError(
            Reason.CONFIGURATION_INVALID,
            f'the token {token.information().label!r} is a development token; mode = "production" refuses it',
            'Configure a certified HSM, or set mode = "development".',
        )
