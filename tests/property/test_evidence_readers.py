"""Readers of files that somebody else may have written: whatever they hold, a typed error or an answer, and within limits."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_render.catalog import Catalog
from signer.errors import RequestError
from signer.evidence.attachment import attached_data
from signer.evidence.canonical import MAX_BYTES, canonical, read_object
from signer.evidence.pack_file import load_pack
from signer.evidence.probes.results_file import read_results
from tests.property.mutations import mutated

_SAMPLE = Catalog.load().get("evidence/pack").sample_json.encode()
_JUNIT = b'<testsuites><testsuite><testcase name="a"><failure/></testcase></testsuite></testsuites>'
_relaxed = settings(deadline=None, max_examples=40)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@_relaxed
@given(st.dictionaries(st.text(), _JSON, max_size=6))
def test_canonical_json_reads_back_and_is_one_text(values: dict[str, object]) -> None:
    text = canonical(values)
    assert canonical(read_object(text.encode(), "it")) == text
    assert canonical(dict(reversed(values.items()))) == text


@_relaxed
@given(mutated(_SAMPLE) | st.binary(max_size=300))
def test_a_pack_is_right_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.json"
        file.write_bytes(content)
        try:
            loaded = load_pack(file, None)
        except RequestError:
            return
        assert loaded.values["format"] == "signer-evidence-pack"


@_relaxed
@given(mutated(_JUNIT) | st.binary(max_size=300))
def test_results_are_counted_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results"
        file.write_bytes(content)
        try:
            results = read_results(file)
        except RequestError:
            return
        assert 0 <= results.failed <= results.tests


@_relaxed
@given(st.binary(max_size=400), st.integers(0, 10**9), st.binary(max_size=100))
def test_an_attachment_is_bounded(before: bytes, length: int, stream: bytes) -> None:
    pdf = before + b"\n7 0 obj\n<</Length %d/Type/EmbeddedFile/Filter/FlateDecode>>\nstream\n" % length + stream
    data = attached_data(pdf)
    assert data is None or len(data) <= MAX_BYTES
