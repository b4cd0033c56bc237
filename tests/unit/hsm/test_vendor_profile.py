"""Vendor profiles are strict data."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm.errors import HsmError
from hsm.vendor_profile import load_profile, profile_names

_GOOD = 'title = "T"\n[sm2]\nsign = 0x80008105\ngenerate = 0x80008001\ninput = "e"\noutput = "raw"\n'


def test_the_profiles_that_ship_can_be_loaded() -> None:
    assert profile_names() == ["softhsm", "softtoken"]
    assert load_profile("softhsm").sm2 is None
    sm2 = load_profile("softtoken").sm2
    assert sm2 is not None
    assert (sm2.sign, sm2.generate, sm2.output) == (0x80008105, 0x80008001, "raw")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "T"', 'titel = "T"', "titel"),
        ("sign = 0x80008105", "sign = 0x1041", "v.toml:3: sm2.sign: 0x1041"),
        ("sign = 0x80008105", 'sign = "x"', "v.toml:3: sm2.sign: must be a whole number"),
        ('input = "e"', 'input = "message"', "input"),
        ('output = "raw"', 'output = "hex"', "raw"),
        ("[sm2]", "[sm2", "TOML"),
        ('title = "T"', "title = 3", "title"),
    ],
)
def test_a_fault_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "v.toml").write_text(_GOOD)
    assert load_profile("v", tmp_path).title == "T"
    (tmp_path / "v.toml").write_text(_GOOD.replace(old, new))
    with pytest.raises(HsmError, match=told):
        load_profile("v", tmp_path)


def test_an_unknown_profile_names_those_that_exist() -> None:
    with pytest.raises(HsmError) as refused:
        load_profile("nothing")
    assert "softhsm, softtoken" in refused.value.remedy
