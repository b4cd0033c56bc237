"""One token for all these tests: a process loads one PKCS#11 module with one configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hsm.keys import RsaKeySpec, Sm2KeySpec
from hsm.token import Pkcs11Token
from hsm.token_config import TokenConfig
from tests.token_fixture import make_token

SM2_ID, RSA_ID = b"\x01", b"\x02"


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> TokenConfig:
    """A fresh SoftHSM token behind softtoken and locking."""
    return make_token(tmp_path_factory.mktemp("hsm") / "token")


@pytest.fixture(scope="session")
def token(config: TokenConfig) -> Iterator[Pkcs11Token]:
    """The token with one SM2 and one RSA key."""
    opened = Pkcs11Token.from_config(config)
    opened.generate_key_pair(SM2_ID, "sm2", Sm2KeySpec(), timeout=10)
    opened.generate_key_pair(RSA_ID, "rsa", RsaKeySpec(2048), timeout=60)
    yield opened
    opened.close()
