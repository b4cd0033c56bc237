"""[portal] and [reports] of signer.toml: strict, plain on private addresses only, moved with all other ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.config.portal import moved, read_portal
from signer.errors import ConfigurationError
from signer.strict_toml import read_toml
from signer.web.portal_config import PortalConfig


def _read(folder: Path, text: str) -> PortalConfig:
    file = folder / "signer.toml"
    file.write_text(f'[portal]\nprofile = "p.toml"\n{text}', encoding="utf-8")
    return read_portal(read_toml(file).table("portal"), "公司")


def test_without_more_it_is_on_loopback(tmp_path: Path) -> None:
    config = _read(tmp_path, "")
    assert (config.address, config.transport, config.tls) == ("127.0.0.1:7480", "loopback", None)
    assert config.profile == tmp_path / "p.toml"
    assert moved(config, 100).address == "127.0.0.1:7580"


def test_plain_on_a_private_address_and_tls_anywhere(tmp_path: Path) -> None:
    assert _read(tmp_path, 'host = "10.1.2.3"').transport == "plain"
    assert _read(tmp_path, 'host = "0.0.0.0"\ncertificate = "c"\nkey = "k"').transport == "tls"
    assert _read(tmp_path, 'host = "::1"').address == "[::1]:7480"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('host = "0.0.0.0"', "is not a private address"),
        ('host = "1.2.3.4"', "is not a private address"),
        ('host = "portal.example.cn"', "is not a private address"),
        ('certificate = "c"', "portal.key: is missing"),
        ('proxies = ["everybody"]', "is not an address or network"),
        ("uploads_per_minute_per_address = 0", "out of range"),
        ("cookies = true", "is not known here"),
    ],
)
def test_what_can_not_be_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        _read(tmp_path, text)
