"""Grants: deny by default, every refusal names what is missing, the file is strict."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.authz import Grant, Grants, load_grants
from signer.errors import AccessError, ConfigurationError

_RPCS, _KEYS, _TEMPLATES = {"S/Sign", "S/Verify"}, {"k1", "k2"}, {"t"}


def _load(folder: Path, text: str) -> Grants:
    (folder / "grants.toml").write_text(text)
    return load_grants(folder / "grants.toml", rpcs=_RPCS, keys=_KEYS, templates=_TEMPLATES)


_GOOD = 'format = 1\n\n[[grants]]\nclient = "core"\nrpcs = ["S/Sign"]\nkeys = ["k1"]\n'


def test_what_is_granted_is_allowed_and_nothing_else(tmp_path: Path) -> None:
    grants = _load(tmp_path, _GOOD)
    grants.authorise_key("core", "S/Sign", "k1")
    for client, rpc, key in (("core", "S/Sign", "k2"), ("core", "S/Verify", "k1"), ("web", "S/Sign", "k1")):
        with pytest.raises(AccessError):
            grants.authorise_key(client, rpc, key)
    with pytest.raises(AccessError, match="digests"):
        grants.authorise_key("core", "S/Sign", "k1", digest=True)
    with pytest.raises(AccessError):
        grants.authorise_template("core", "S/Sign", "t")


def test_grants_do_not_add_up_across_tables(tmp_path: Path) -> None:
    text = _GOOD + '\n[[grants]]\nclient = "core"\nrpcs = ["S/Verify"]\nkeys = ["k2"]\n'
    grants = _load(tmp_path, text)
    grants.authorise_key("core", "S/Verify", "k2")
    with pytest.raises(AccessError):
        grants.authorise_key("core", "S/Sign", "k2")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("S/Sign", "S/Sing", "grants.toml:5: grants[0].rpcs: 'S/Sing' does not exist"),
        ('"k1"', '"k9"', "grants.toml:6: grants[0].keys: 'k9' does not exist"),
        ("keys =", "kyes =", "grants.toml:6: grants[0].kyes: is not known here"),
        ('"core"', '"Core!"', "grants.toml:4: grants[0].client"),
        ('["S/Sign"]', "[]", "grants.toml:5: grants[0].rpcs: is empty"),
        ("format = 1", "format = 2", "format: 2 is out of range"),
        ("[[grants]]", "[[grants", "grants.toml:3: not valid TOML"),
        ('rpcs = ["S/Sign"]', "rpcs = [3]", "must be a list of strings"),
        ('client = "core"\n', "", "the key 'client' is missing"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _load(tmp_path, _GOOD.replace(old, new, 1))
    assert told in refused.value.message


_names = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(_names, st.frozensets(_names), st.frozensets(_names)), max_size=6), _names, _names, _names)
def test_a_decision_is_yes_only_where_one_grant_says_all_of_it(
    tables: list[tuple[str, frozenset[str], frozenset[str]]], client: str, rpc: str, key: str
) -> None:
    grants = Grants(Grant(client=name, rpcs=rpcs, keys=keys) for name, rpcs, keys in tables)
    expected = any(name == client and rpc in rpcs and key in keys for name, rpcs, keys in tables)
    try:
        grants.authorise_key(client, rpc, key)
        allowed = True
    except AccessError:
        allowed = False
    assert allowed == expected
