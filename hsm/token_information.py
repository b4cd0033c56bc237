"""What a token says of itself (CK_TOKEN_INFO), with a login or without. Not for anything that needs a session: `token`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hsm.module import Module
from hsm.token_config import ModuleConfig
from hsm.vendor_profile import is_development_token


@dataclass(frozen=True)
class TokenInformation:
    """From CK_TOKEN_INFO. `is_development`: marked as a development token; production refuses it."""

    label: str
    manufacturer: str
    model: str
    serial: str
    is_development: bool


def describe_token(config: ModuleConfig, label: str) -> TokenInformation:
    """The token with that label, without logging in: no PIN is read, none can be used up.

    Raises:
        HsmError: CONFIGURATION, UNAVAILABLE.
    """
    return information_of(Module.load(config).find_token(label))


def information_of(token: Any) -> TokenInformation:
    """From python-pkcs11's token."""
    manufacturer, model = _text(token.manufacturer_id), _text(token.model)
    return TokenInformation(
        label=_text(token.label),
        manufacturer=manufacturer,
        model=model,
        serial=_text(token.serial),
        is_development=is_development_token(manufacturer, model),
    )


def _text(value: bytes | str) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else value).strip("\x00 ")
