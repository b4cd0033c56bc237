"""Grants: deny by default, every refusal names what is missing, the file is strict.

Threats: T1, T21, T22.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.authz import Actor, Ask, Existing, Grant, Grants, GrantsFile, load_grants
from signer.authz.decide import explain
from signer.errors import AccessError, ConfigurationError, Reason

_EXISTING = Existing({"S/Sign", "S/Verify"}, {"k1", "k2"}, {"policy/a", "policy/b", "mark/c"}, {"PADES_B", "PADES_T"})
_CORE = Actor("core", "S/Sign", "r1", "10.1.2.3")


def _load(folder: Path, text: str) -> Grants:
    (folder / "grants.toml").write_text(text)
    return Grants(load_grants(folder / "grants.toml", _EXISTING), folder)


_GOOD = 'format = 1\n\n[[grants]]\nclient = "core"\nrpcs = ["S/Sign"]\nkeys = ["k1"]\n'


def test_what_is_granted_is_allowed_and_nothing_else(tmp_path: Path) -> None:
    grants = _load(tmp_path, _GOOD)
    grants.use(_CORE, Ask(key="k1"))
    refused = [
        (_CORE, Ask(key="k2")),
        (Actor("core", "S/Verify", ""), Ask(key="k1")),
        (Actor("web", "S/Sign", ""), Ask(key="k1")),
        (_CORE, Ask(key="k1", digest=True)),
        (_CORE, Ask(template="policy/a")),
        (_CORE, Ask(key="k1", profile="PADES_B")),
    ]
    for actor, ask in refused:
        with pytest.raises(AccessError):
            grants.use(actor, ask)


def test_grants_do_not_add_up_across_tables(tmp_path: Path) -> None:
    text = _GOOD + '\n[[grants]]\nclient = "core"\nrpcs = ["S/Sign"]\nkeys = ["k2"]\ntemplates = ["policy/a"]\n'
    grants = _load(tmp_path, text)
    grants.use(_CORE, Ask(key="k2", template="policy/a"))
    with pytest.raises(AccessError, match="k1"):
        grants.use(_CORE, Ask(key="k1", template="policy/a"))


def test_a_document_class_covers_its_templates(tmp_path: Path) -> None:
    grants = _load(tmp_path, _GOOD + 'document_classes = ["policy"]\n')
    grants.use(_CORE, Ask(template="policy/a"))
    grants.use(_CORE, Ask(template="policy/b"))
    assert grants.may_see_template("core", "policy/b")
    assert not grants.may_see_template("core", "mark/c")
    with pytest.raises(AccessError, match="mark/c"):
        grants.use(_CORE, Ask(template="mark/c"))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("10.2.0.1", False),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("::ffff:10.1.2.3", True),
        ("", False),
        ("localhost", False),
    ],
)
def test_networks(tmp_path: Path, address: str, allowed: bool) -> None:
    grants = _load(tmp_path, _GOOD + 'networks = ["10.1.0.0/16", "2001:db8::/32"]\n')
    actor = Actor("core", "S/Sign", "", address)
    if allowed:
        grants.authorise_call(actor)
        return
    with pytest.raises(AccessError, match="from"):
        grants.authorise_call(actor)


def test_a_grant_ends(tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    _load(tmp_path, _GOOD + f"until = {ends.isoformat()}\n").use(_CORE, Ask(key="k1"))
    ended = _load(tmp_path, _GOOD + "until = 2026-01-01T00:00:00+08:00\n")
    with pytest.raises(AccessError, match="ended at 2026-01-01"):
        ended.use(_CORE, Ask(key="k1"))
    assert ended.usable_keys("core") == frozenset()


def test_a_rate_is_told_with_the_time_to_wait_and_shared_by_processes(tmp_path: Path) -> None:
    text = _GOOD + "rate = {per_second = 0.5, burst = 3}\n"
    grants, of_another_worker = _load(tmp_path, text), _load(tmp_path, text)
    grants.use(_CORE, Ask(key="k1"))
    of_another_worker.use(_CORE, Ask(key="k1"))
    grants.use(_CORE, Ask(key="k1"))
    for worker in (grants, of_another_worker):
        with pytest.raises(AccessError, match="more often") as refused:
            worker.use(_CORE, Ask(key="k1"))
        assert refused.value.reason is Reason.RATE_EXCEEDED
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= 2


def test_a_grant_without_rate_stands_in_for_one_that_is_used_up(tmp_path: Path) -> None:
    text = (
        _GOOD
        + 'rate = {per_second = 0.1, burst = 1}\n\n[[grants]]\nclient = "core"\nrpcs = ["S/Sign"]\nkeys = ["k1"]\n'
    )
    grants = _load(tmp_path, text)
    for _ in range(5):
        grants.use(_CORE, Ask(key="k1"))


def test_a_quota_counts_the_items_of_a_batch(tmp_path: Path) -> None:
    grants = _load(tmp_path, _GOOD + '\n[[quotas]]\nclient = "core"\nrate = {per_second = 10, burst = 100}\n')
    grants.authorise_call(_CORE, 100)
    with pytest.raises(AccessError, match="used up its quota"):
        grants.authorise_call(_CORE)


def test_replaced_grants_hold_from_now_on(tmp_path: Path) -> None:
    grants = _load(tmp_path, _GOOD)
    grants.replace(GrantsFile())
    with pytest.raises(AccessError):
        grants.use(_CORE, Ask(key="k1"))


def test_an_explanation_names_what_each_grant_lacks() -> None:
    near = Grant("core", frozenset({"S/Sign"}), frozenset({"k2"}), name="grants[0]")
    far = Grant("core", frozenset({"S/Verify"}), name="grants[1]")
    fits = Grant("core", frozenset({"S/Sign"}), frozenset({"k1"}), name="grants[2]")
    others = Grant("web", frozenset({"S/Sign"}), frozenset({"k1"}), name="grants[3]")
    told = explain(GrantsFile((near, far, fits, others)), _CORE, Ask(key="k1"), datetime.now(UTC))
    assert [(grant.name, obstacle and obstacle.text) for grant, obstacle in told] == [
        ("grants[0]", "may not use the key 'k1' for S/Sign"),
        ("grants[1]", "may not call S/Sign"),
        ("grants[2]", None),
    ]


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
        ("keys =", 'networks = ["10.1.0.1/16"]\nkeys =', "grants.toml:6: grants[0].networks: '10.1.0.1/16'"),
        ("keys =", 'profiles = ["PADES_X"]\nkeys =', "grants.toml:6: grants[0].profiles: 'PADES_X' does not exist"),
        ("keys =", 'document_classes = ["polcy"]\nkeys =', "grants[0].document_classes: 'polcy' does not exist"),
        ("keys =", "until = 2027-01-01T00:00:00\nkeys =", "grants.toml:6: grants[0].until: has no zone"),
        ("keys =", 'until = "2027"\nkeys =', "must be a date with time"),
        ("keys =", "rate = {per_second = 0}\nkeys =", "rate.per_second: 0 is out of range"),
        ("keys =", "rate = {burst = 1}\nkeys =", "the key 'per_second' is missing"),
        ("keys =", "rate = {per_second = 1, brust = 1}\nkeys =", "rate.brust: is not known"),
        ("format = 1", 'format = 1\n[[quotas]]\nclient = "nobody"', "grants.toml:3: quotas[0].client: 'nobody'"),
        ("format = 1", 'format = 1\n[[quotas]]\nclient = "core"\nweight = 0', "weight: 0 is out of range"),
        ("format = 1", 'format = 1\n[[quotas]]\nclient="core"\n[[quotas]]\nclient="core"', "has a quota already"),
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
    grants = Grants(GrantsFile(tuple(Grant(client=name, rpcs=rpcs, keys=keys) for name, rpcs, keys in tables)))
    expected = any(name == client and rpc in rpcs and key in keys for name, rpcs, keys in tables)
    try:
        grants.use(Actor(client, rpc, ""), Ask(key=key))
        allowed = True
    except AccessError:
        allowed = False
    assert allowed == expected
