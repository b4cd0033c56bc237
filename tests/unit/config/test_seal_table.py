"""[seal] and [timestamps]: production asks for an outside proof of time; what can't work is refused with a remedy.

Threat: T37.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.config.seal import read_seal, read_timestamps
from signer.documents.seal_config import SealConfig
from signer.errors import ConfigurationError
from signer.strict_toml import read_toml

_SEAL = '[seal]\ncompany = "示例财产保险"\n'
_OWN = '[timestamps]\nkeys = ["timestamp-sm2"]\n'
_OUTSIDE = '[timestamps]\nurl = "https://tsa.example.cn/"\nanchors = "tsa.pem"\n'


def _read(folder: Path, text: str, *, production: bool) -> SealConfig:
    file = folder / "signer.toml"
    file.write_text(text, encoding="utf-8")
    top = read_toml(file)
    timestamps = read_timestamps(top.table("timestamps", required=False), production=production)
    return read_seal(top.table("seal"), timestamps, production=production)


def test_development_seals_without_timestamps_unless_told_otherwise(tmp_path: Path) -> None:
    assert _read(tmp_path, _SEAL + _OWN, production=False).default_profile == "PADES_B"
    told = _SEAL + 'default_profile = "PADES_T"\n' + _OWN
    assert _read(tmp_path, told, production=False).default_profile == "PADES_T"


def test_production_seals_with_an_outside_timestamp(tmp_path: Path) -> None:
    assert _read(tmp_path, _SEAL + _OUTSIDE, production=True).default_profile == "PADES_T"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_SEAL + _OWN, "never the only proof of time"),
        (_SEAL, "never the only proof of time"),
        (_SEAL + 'default_profile = "PADES_B"\n' + _OUTSIDE, "PADES_T or higher"),
        (_SEAL + 'default_profile = "GBT_38540"\n' + _OUTSIDE, "PADES_T or higher"),
        (_SEAL + 'default_profile = "PADES_LT"\n' + _OUTSIDE, "crl_directory"),
        (_SEAL + 'default_profile = "PADES_X"\n' + _OUTSIDE, "default_profile"),
        (_SEAL + _OUTSIDE.replace("https", "ftp"), "must begin with http:// or https://"),
        (_SEAL + _OUTSIDE.replace("anchors", "anchor"), "anchors"),
        (_SEAL + _OUTSIDE + 'keys = ["x"]\npolicy = "nonsense"\n', "not an object identifier"),
        (_SEAL + _OUTSIDE + 'keys = ["x"]\naccuracy_ms = 0\n', "accuracy_ms"),
        (_SEAL + '[seal.electronic]\nfile = "seal.esl"\nsub_filter = "adbe.pkcs7.sha1"\n' + _OUTSIDE, "GM."),
        (_SEAL + '[seal.electronic]\nfile = "seal.esl"\nfilter = "a b"\n' + _OUTSIDE, "is not a name"),
    ],
)
def test_what_can_not_work_in_production_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read(tmp_path, text, production=True)
    assert told in str(caught.value)


def test_pictures_count_from_the_configurations_folder(tmp_path: Path) -> None:
    text = _SEAL + 'picture = "seal.png"\n[seal.pictures]\n"seal-rsa" = "pictures/finance.svg"\n'
    config = _read(tmp_path, text, production=False)
    assert config.picture == tmp_path.resolve() / "seal.png"
    assert config.pictures == {"seal-rsa": tmp_path.resolve() / "pictures" / "finance.svg"}
    assert _read(tmp_path, _SEAL, production=False).picture is None


@pytest.mark.parametrize("text", ["picture = 1\n", "pictures = 1\n", '[seal.pictures]\n"seal-rsa" = 1\n'])
def test_pictures_are_names_of_files(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a"):
        _read(tmp_path, _SEAL + text, production=False)
