"""[monitoring]: all three files or none, and plain only where the address is private (R18).

Threats: T23, T24.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.config.monitoring import MonitoringConfig, read_monitoring
from signer.errors import ConfigurationError
from signer.strict_toml import read_toml

_TLS = 'certificate = "m.pem"\nkey = "m.key"\nclient_authority = "ca.pem"\n'


def _read(folder: Path, text: str) -> MonitoringConfig:
    file = folder / "signer.toml"
    file.write_text("[monitoring]\n" + text)
    return read_monitoring(read_toml(file).table("monitoring"))


@pytest.mark.parametrize(
    ("text", "transport", "address"),
    [
        ("", "loopback", "127.0.0.1:7464"),
        ('host = "::1"\nport = 9000\n', "loopback", "[::1]:9000"),
        ('host = "10.1.2.3"\n', "plain", "10.1.2.3:7464"),
        ('host = "10.1.2.3"\n' + _TLS, "mutual-tls", "10.1.2.3:7464"),
        ('host = "0.0.0.0"\n' + _TLS, "mutual-tls", "0.0.0.0:7464"),
        ('host = "8.8.8.8"\n' + _TLS, "mutual-tls", "8.8.8.8:7464"),
    ],
)
def test_what_is_allowed(tmp_path: Path, text: str, transport: str, address: str) -> None:
    config = _read(tmp_path, text)
    assert (config.transport, config.address) == (transport, address)
    if transport == "mutual-tls":
        assert config.tls is not None
        assert config.tls.certificate == tmp_path / "m.pem"  # relative to the file


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('host = "0.0.0.0"\n', "is not a private address"),
        ('host = "::"\n', "is not a private address"),
        ('host = "8.8.8.8"\n', "is not a private address"),
        ('host = "metrics.example.cn"\n', "is not a private address"),
        ('certificate = "m.pem"\n', "monitoring.key: is missing"),
        ('certificate = "m.pem"\nkey = "m.key"\n', "monitoring.client_authority: is missing"),
        ('client_authority = "ca.pem"\n', "monitoring.certificate: is missing"),
        ("port = 0\n", "1 to 65535"),
        (_TLS + 'client_authorities = "x"\n', "is not known here"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read(tmp_path, text)
    assert told in str(caught.value)
