"""[verification]: bounds, defaults, and hosts that are hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.config.verification import read_verification
from signer.documents.verification_config import VerificationConfig
from signer.errors import ConfigurationError
from signer.strict_toml import read_toml


def _read(directory: Path, text: str) -> VerificationConfig:
    file = directory / "signer.toml"
    file.write_text(f"[verification]\n{text}", encoding="utf-8")
    return read_verification(read_toml(file).table("verification"), directory / "run")


def test_without_settings_nobody_is_asked(tmp_path: Path) -> None:
    config = _read(tmp_path, "")
    assert (config.require, config.hosts, config.crl_directory, config.fetchers) == (False, (), None, 0)


def test_everything_named(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        'revocation = "require"\ncrl_directory = "crl"\nhosts = ["CRL.example.cn", "ocsp.example.cn:8080", "[::1]:80"]\n'
        'cache = "kept"\ntimeout_seconds = 1.5\nmax_response_kibibytes = 64\n',
    )
    assert config.require
    assert config.hosts == ("crl.example.cn", "ocsp.example.cn:8080", "[::1]:80")
    assert (config.crl_directory, config.cache) == (tmp_path / "crl", tmp_path / "kept")
    assert (config.timeout, config.response_bytes, config.fetchers) == (1.5, 65_536, 2)
    assert config.socket == tmp_path / "run" / "revocation.sock"


@pytest.mark.parametrize(
    "text",
    [
        'revocation = "always"',
        'hosts = ["http://crl.example.cn/"]',
        'hosts = ["crl.example.cn/x"]',
        'hosts = ["*"]',
        'hosts = [""]',
        "timeout_seconds = 0",
        "max_response_kibibytes = 1000000",
        "unknown = 1",
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        _read(tmp_path, text)
