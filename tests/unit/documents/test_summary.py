"""The sentence for policyholders: it calls a document what people call it, and says no more than is known."""

from __future__ import annotations

import pytest

from policy_render.catalog import Catalog
from signer.contracts import ContractState
from signer.documents.summary import Seen, kind_of, summarise
from signer.pades.evidence import Integrity

# The last words of a form's title, and what people call it.
_TITLES = {"保险单": "电子保单", "批单": "电子批单", "投保单": "电子投保单", "标志": "电子保险标志"}


def test_every_template_is_called_what_its_form_is() -> None:
    for template in Catalog.load().every():
        wanted = next((kind for end, kind in _TITLES.items() if template.title_zh.endswith(end)), "文件")
        assert kind_of(f"{template.name}@{template.version}") == wanted, template.name


@pytest.mark.parametrize("integrity", list(Integrity))
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("doubtful", [False, True])
def test_a_strangers_file_is_no_policy(integrity: Integrity, trusted: bool, doubtful: bool) -> None:
    sentence = summarise(Seen(integrity, trusted=trusted, doubtful=doubtful))
    assert sentence.startswith("该文件")
    assert sentence.count("。") == 1
    assert "保单" not in sentence
    assert "由本公司签发，" not in sentence
    assert ("未被改动" in sentence) == (integrity is Integrity.WHOLE)


@pytest.mark.parametrize("state", [None, *ContractState])
def test_a_document_of_ours_is_called_by_its_kind(state: ContractState | None) -> None:
    sentence = summarise(Seen(Integrity.WHOLE, "endorsement/commercial@1", state=state))
    assert sentence.startswith("该电子批单由本公司签发，内容完整、未被改动")
    assert sentence.count("。") == 1
    changed = summarise(Seen(Integrity.CHANGED, "mark/compulsory@1", state=state))
    assert changed == "该电子保险标志在签名后被改动，不能作为有效的电子保险标志使用。"


def test_a_document_that_was_brought_to_be_sealed_is_ours_too() -> None:
    assert summarise(Seen(Integrity.WHOLE, "")) == "该文件由本公司盖章，内容完整、未被改动。"
    assert summarise(Seen(Integrity.CHANGED, "")).startswith("该文件在签名后被改动")


def test_what_can_be_read_is_not_called_unreadable() -> None:
    assert "无法读取" in summarise(Seen(Integrity.UNREADABLE))
    doubtful = summarise(Seen(Integrity.UNREADABLE, doubtful=True))
    assert "无法判断" in doubtful
    assert "无法读取" not in doubtful
