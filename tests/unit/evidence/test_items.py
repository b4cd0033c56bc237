"""The item list: complete, unambiguous, honest; and nothing is met that a probe did not show.

Threat: T30.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from signer.errors import ConfigurationError
from signer.evidence.fact import MAX_VALUE, Outcome
from signer.evidence.item import ITEMS, STATUS_ZH, Status, judge, load_items
from signer.evidence.probes.catalogue import ALL, NAMES

_LIST = load_items(NAMES)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the list that may be spoilt."""
    return Path(shutil.copytree(ITEMS, tmp_path / "items"))


def _refusal(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_items(NAMES, folder)
    return str(caught.value)


def test_every_clause_of_both_standards_is_answered() -> None:
    clauses = {(domain.standard, domain.clause) for domain in _LIST.domains}
    assert clauses == {
        *(("GB/T 22239-2019", f"8.1.{number}") for number in range(1, 11)),
        *(("GB/T 39786-2021", f"8.{number}") for number in range(1, 9)),
    }
    control_points = {item.id.split()[0] for item in _LIST.items if item.standard == "GB/T 22239-2019"}
    # 8.1.1 to 8.1.10 have so many control points
    counts = [sum(point.startswith(f"8.1.{number}.") for point in control_points) for number in range(1, 11)]
    assert counts == [10, 3, 6, 11, 4, 4, 5, 4, 10, 14]


def test_items_are_unambiguous_and_complete() -> None:
    keys = [(item.standard, item.id) for item in _LIST.items]
    assert len(set(keys)) == len(keys)
    for item in _LIST.items:
        assert item.title_zh
        assert item.requirement_zh
        texts = (item.requirement_zh, item.does_zh, item.does_en, item.duty_zh)
        assert all(len(text) <= MAX_VALUE and text.isprintable() for text in texts)


def test_no_text_of_a_standard_is_claimed_to_be_quoted() -> None:
    assert [standard.text_checked for standard in _LIST.standards] == [False, False]


def test_uncertified_cryptography_is_not_met() -> None:
    products = [item for item in _LIST.items if item.title_zh == "密码产品" and item.claimed is not Status.INSURER]
    assert [(item.id, item.claimed) for item in products] == [
        (id_, Status.NOT_MET) for id_ in ("8.2 g)", "8.3 h)", "8.4 j)")
    ]


def test_every_probe_is_named_and_used() -> None:
    assert len(NAMES) == len(ALL)
    used = {name for item in _LIST.items for name in item.probes}
    assert NAMES - used == {"log-token", "serving"}  # facts for the reader; no item rests on them alone


def test_nothing_is_met_unless_all_its_probes_show_it() -> None:
    for claimed in Status:
        for outcomes in itertools.product(Outcome, repeat=2):
            judged = judge(claimed, outcomes)
            assert (judged is Status.MET) <= (set(outcomes) == {Outcome.SHOWN})
            if claimed in {Status.INSURER, Status.NOT_MET}:
                assert judged is claimed
            if claimed is Status.PARTLY:
                assert judged is not Status.MET
    assert judge(Status.MET, [Outcome.SHOWN, Outcome.UNKNOWN]) is Status.PARTLY
    assert judge(Status.MET, [Outcome.UNKNOWN, Outcome.CONTRARY]) is Status.NOT_MET
    assert set(STATUS_ZH) == set(Status)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('probes = ["keys", "software"]', 'probes = ["keyes"]', "there is no probe 'keyes'"),
        ('status = "met"', 'status = "met"\ncolour = "red"', "colour"),
        ('status = "met"', 'status = "fulfilled"', "Allowed: met, partly, not-met, insurer"),
        ('id = "8.1.10.2"', 'id = "8.1.10.1"', "stands twice"),
        ('id = "8.1.10.2"', 'id = "9.1"', "is not below 8.1.10"),
        ('duty_zh = "资产清单。"\n', "", "what remains the insurer's duty"),
        ('probes = ["configuration"]\n', "", "without a probe"),
        ('duty_zh = "机房环境管理。"', 'duty_zh = "机房环境管理。"\nprobes = ["keys"]', "has no probes here"),
        ("does_en = ", "does_de = ", "does_zh"),
    ],
)
def test_a_broken_list_is_refused_with_its_place(copy: Path, old: str, new: str, told: str) -> None:
    file = copy / "gbt22239-8.1.10.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    refusal = _refusal(copy)
    assert told in refusal
    assert file.name in refusal
