"""[log] of signer.toml: every bound of it is told with file, line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.audit.log_client import LogConfig, TimestampConfig, WitnessConfig
from signer.config.log import read_log_config
from signer.errors import ConfigurationError
from signer.strict_toml import read_toml

_TOKEN = """
[log.token]
profile = "softtoken"
label = "l"
module = "m.so"
locking_module = "l.so"
pin_file = "pin"
"""


def _read(folder: Path, text: str) -> LogConfig:
    file = folder / "signer.toml"
    file.write_text(text + _TOKEN)
    config: LogConfig = read_log_config(read_toml(file).table("log"), folder / "run")["log"]
    return config


def test_defaults_and_everything_that_can_be_said(tmp_path: Path) -> None:
    plain = _read(tmp_path, '[log]\nid = "a"\n')
    assert (plain.journal_limit, plain.online_months, plain.witnesses, plain.timestamp) == (16 << 20, 6, (), None)
    assert plain.head_file == tmp_path / "state" / "log-head" / "latest"
    full = _read(
        tmp_path,
        '[log]\nid = "a"\njournal_mebibytes = 1\nonline_months = 120\nknown_checkpoints = ["k"]\n'
        '[[log.witness]]\nname = "w"\npublic_key = "w.pem"\n'
        '[log.timestamp]\nurl = "https://tsa.example.cn/"\nanchors = "tsa.pem"\n',
    )
    assert full.witnesses == (WitnessConfig("w", tmp_path / "w.pem"),)
    assert full.timestamp == TimestampConfig("https://tsa.example.cn/", tmp_path / "tsa.pem", None)
    assert (full.journal_limit, full.online_months, full.known_checkpoints) == (1 << 20, 120, (tmp_path / "k",))


_WITNESS = '[[log.witness]]\nname = "w"\npublic_key = "w.pem"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("online_months = 5\n", "Allowed: 6 to 1200"),
        ("journal_mebibytes = 0\n", "Allowed: 1 to 1024"),
        ('head_file = "state/log/head"\n', "lies in the log's own directory"),
        (_WITNESS + _WITNESS, "stands here twice"),
        ('[[log.witness]]\nname = "w"\n', "public_key"),
        (_WITNESS + "weight = 2\n", "is not known here"),
        ('[log.timestamp]\nurl = "ftp://x/"\nanchors = "a"\n', "must begin with http"),
        ('[log.timestamp]\nurl = "http://x/"\n', "anchors"),
    ],
)
def test_what_is_out_of_bounds_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        _read(tmp_path, f'[log]\nid = "a"\n{text}')
