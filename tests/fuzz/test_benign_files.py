"""No lawful file is called changed: a sample here, all of them in `make soak`. And none shows anything but what was signed.

Threat: T5.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from signer.pades.evidence import Integrity
from signer.pades.foreign import inspect_pdf
from tests.fuzz.attacks.targets import trust
from tests.fuzz.benign.files import BenignFile, benign_files
from tests.fuzz.inspector_pool import inspector_pool
from tests.fuzz.rendering import shown

_FILES = {item.name: item for item in benign_files()}
# What can't be judged although nobody changed it, and why. It must never be called changed.
_UNREADABLE = {
    "poppler, united": "its table lists objects beyond /Size, which a reader has to take for missing, and its catalog is one of them"
}
_SAMPLE = Random(4).sample(sorted(_FILES), 24)


def _check(item: BenignFile) -> None:
    data = item.make()
    report = inspect_pdf(data, trust())
    wanted = Integrity.UNREADABLE if item.kind in _UNREADABLE else Integrity.WHOLE
    codes = [[found.code.value for found in signature.findings] for signature in report.signatures]
    assert report.integrity is wanted, (item.name, report.findings, codes)


def test_there_are_enough() -> None:
    assert len(_FILES) >= 200


@pytest.mark.parametrize("name", _SAMPLE)
def test_lawful_files_are_whole(name: str) -> None:
    _check(_FILES[name])


def test_a_sample_through_a_real_pool(tmp_path: Path) -> None:
    """What the judgement needs is loaded before the sandbox closes."""
    anchors = [anchor.der for anchor in trust().anchors]
    with inspector_pool(tmp_path, anchors) as pool:
        for name in ("validation data", "archive timestamp", "second signature", "field filled in"):
            data = _FILES[f"typst A-3b; {name}"].make()
            assert pool.client().inspect(data).integrity is Integrity.WHOLE, name


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(_FILES))
def test_every_lawful_file_is_whole(name: str) -> None:
    _check(_FILES[name])


def _signed_part(data: bytes) -> bytes:
    """The file as the first signature covers it."""
    first = re.search(rb"/ByteRange\s*\[\s*0\s+\d+\s+(\d+)\s+(\d+)\s*\]", data)
    assert first is not None
    return data[: int(first[1]) + int(first[2])]


@pytest.mark.parametrize("name", [name for name in _FILES if name.startswith("typst A-3b; ") and "," not in name])
def test_what_is_appended_lawfully_changes_no_page(name: str) -> None:
    data = _FILES[name].make()
    assert shown(data, annotations=False) == shown(_signed_part(data), annotations=False)
