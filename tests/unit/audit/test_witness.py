"""A witness cosigns what a log grew into and nothing else; the appliance keeps what its own witnesses cosigned (T13).

Threats: T13, T25.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.algorithms import SignMessage, load_public_key
from signer.audit.checkpoint import Checkpoint, CheckpointError, NoteKey, cosign, read_checkpoint, verify_checkpoint
from signer.audit.cosignature import (
    WitnessKey,
    cosign_checkpoint,
    refuse_strange_lines,
    verify_cosignatures,
    without_cosignatures,
)
from signer.audit.receipt import SignedTree
from signer.audit.tree import Tree
from signer.audit.witness import LogContradiction, Witness
from signer.errors import ApplianceError, ConfigurationError, Reason, RequestError
from tests.merkle_logs import grown, new_log_key, new_witness_key, same_length_entries
from tests.sm2_keys import new_sm2_key

_NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> tuple[NoteKey, SignMessage]:
    return new_log_key("log.example")


@pytest.fixture(scope="module")
def auditor() -> tuple[WitnessKey, SignMessage]:
    return new_witness_key("auditor")


@pytest.fixture(scope="module")
def cosigned(key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]) -> str:
    note = cosign("log.example\n7\n" + "A" * 43 + "=\n\n", key[0], key[1])
    return note + cosign_checkpoint(note, auditor[0], auditor[1], _NOW).line


def _log(folder: Path, key: tuple[NoteKey, SignMessage], *steps: Sequence[bytes]) -> SignedTree:
    folder.mkdir(exist_ok=True)
    grown(folder, key, *steps)
    return SignedTree(folder, key[0])


def _witness(folder: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]) -> Witness:
    return Witness(folder, key[0], auditor[0], auditor[1])


def test_a_cosignature_says_who_and_when(cosigned: str, auditor: tuple[WitnessKey, SignMessage]) -> None:
    (found,) = verify_cosignatures(cosigned, [auditor[0]])
    assert (found.witness, found.moment) == ("auditor", _NOW)
    assert cosigned.endswith(found.line)


def test_a_cosignature_is_no_signature_of_the_log(
    cosigned: str, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    """The same key as log and as witness: one's line never counts as the other's."""
    as_log = NoteKey("auditor", auditor[0].public_key)
    assert as_log.key_id != auditor[0].key_id
    with pytest.raises(CheckpointError):
        verify_checkpoint(cosigned, "auditor", as_log)
    assert verify_checkpoint(cosigned, "log.example", key[0]).size == 7
    assert verify_cosignatures(cosigned, [WitnessKey("log.example", key[0].public_key)]) == ()


def test_lines_of_strangers_are_passed_over_or_refused_by_name(
    cosigned: str, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    stranger = WitnessKey("stranger", load_public_key(new_sm2_key()[0]))
    assert verify_cosignatures(cosigned, [stranger]) == ()
    refuse_strange_lines(cosigned, key[0], [auditor[0]])
    with pytest.raises(CheckpointError, match="auditor"):
        refuse_strange_lines(cosigned, key[0], [stranger])
    refuse_strange_lines(without_cosignatures(cosigned, key[0]), key[0], [])


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_no_flipped_bit_of_a_cosigned_checkpoint_passes(
    cosigned: str, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage], data: st.DataObject
) -> None:
    changed = bytearray(cosigned.encode())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        text = changed.decode()
        refuse_strange_lines(text, key[0], [auditor[0]])
        verify_checkpoint(text, "log.example", key[0])
        found = verify_cosignatures(text, [auditor[0]])
    except (CheckpointError, UnicodeDecodeError):
        return
    assert not found, "a changed note must not be cosigned"


@given(
    st.text(max_size=300) | st.from_regex(r"\A[a-z]+\n[0-9]+\n[A-Za-z0-9+/=]+\n\n(— [a-z]+ [A-Za-z0-9+/=]+\n){1,3}\Z")
)
def test_what_is_no_note_is_told(auditor: tuple[WitnessKey, SignMessage], text: str) -> None:
    try:
        assert verify_cosignatures(text, [auditor[0]]) == ()
    except CheckpointError:
        return


def test_a_witness_follows_a_log_that_grows(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    entries = same_length_entries(900)
    tree = _log(tmp_path / "log", key, entries[:300])
    witness = _witness(tmp_path / "state", key, auditor)
    assert witness.known() is None
    first = witness.cosign(tree.checkpoint().text, [], _NOW)
    again = witness.cosign(tree.checkpoint().text, [], _NOW + timedelta(minutes=1))
    assert (first.checkpoint.size, again.cosignature.moment - first.cosignature.moment) == (300, timedelta(minutes=1))
    writer = Tree(tmp_path / "log", key[0])
    writer.open()
    writer.integrate(entries[300:], key[1])
    newer = tree.checkpoint()
    # another process, after a restart of the machine
    head = _witness(tmp_path / "state", key, auditor).cosign(newer.text, tree.consistency(300, newer), _NOW)
    assert head.checkpoint.size == 900
    known = witness.known()
    assert known is not None
    assert known.size == 900


def _contradictions(folder: Path, key: tuple[NoteKey, SignMessage]) -> list[tuple[Reason, Checkpoint, list[bytes]]]:
    """What a log that was seen at 300 of 900 entries must never say afterwards."""
    entries = same_length_entries(900)
    forged = [*entries[:17], b"x" * len(entries[17]), *entries[18:]]
    same_size = _log(folder / "same", key, forged[:300]).checkpoint()
    larger = _log(folder / "larger", key, forged)
    shorter = _log(folder / "shorter", key, entries[:299]).checkpoint()
    honest = _log(folder / "honest", key, entries)
    checkpoint = honest.checkpoint()
    proof = honest.consistency(300, checkpoint)
    return [
        (Reason.LOG_FORKED, same_size, []),
        (Reason.LOG_FORKED, larger.checkpoint(), larger.consistency(300, larger.checkpoint())),
        (Reason.LOG_FORKED, larger.checkpoint(), proof),
        (Reason.LOG_ROLLED_BACK, shorter, []),
        (Reason.LOG_FORKED, checkpoint, proof[:-1]),
        (Reason.LOG_FORKED, checkpoint, [bytes(32), *proof[1:]]),
        (Reason.LOG_FORKED, checkpoint, []),
    ]


def test_a_fork_and_a_rollback_are_refused_and_both_heads_are_kept(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    witness = _witness(tmp_path / "state", key, auditor)
    known = _log(tmp_path / "log", key, same_length_entries(300)).checkpoint()
    witness.cosign(known.text, [], _NOW)
    before = (tmp_path / "state" / "log.example.head").read_bytes()
    for reason, offered, proof in _contradictions(tmp_path, key):
        with pytest.raises(LogContradiction) as caught:
            witness.cosign(offered.text, proof, _NOW)
        assert caught.value.reason is reason
        kept = json.loads(caught.value.evidence.read_text(encoding="utf-8"))
        heads = [verify_checkpoint(kept[name], "log.example", key[0]) for name in ("known", "offered")]
        assert [head.size for head in heads] == [300, offered.size]
    assert (tmp_path / "state" / "log.example.head").read_bytes() == before
    shorter = SignedTree(tmp_path / "shorter", key[0]).checkpoint()
    with pytest.raises(LogContradiction, match="older copy"):
        witness.refuse_smaller(shorter.text)


def test_a_strangers_head_and_a_lost_memory_stop_the_witness(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    spki, sign = new_sm2_key()
    stranger = (NoteKey("log.example", load_public_key(spki)), sign)
    witness = _witness(tmp_path / "state", key, auditor)
    with pytest.raises(CheckpointError):
        witness.cosign(_log(tmp_path / "strange", stranger, [b"a"]).checkpoint().text, [], _NOW)
    head = tmp_path / "state" / "log.example.head"
    head.parent.mkdir(exist_ok=True)
    head.write_text("nothing\n")
    with pytest.raises(ConfigurationError, match="backup"):
        witness.cosign(_log(tmp_path / "log", key, [b"a"]).checkpoint().text, [], _NOW)


def test_the_appliance_keeps_the_newest_of_each_witness_and_shows_it_on_that_very_head(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    entries = same_length_entries(700)
    grown(tmp_path, key, entries[:300])
    tree = SignedTree(tmp_path, key[0], witnesses=[auditor[0]])
    with pytest.raises(ApplianceError, match="no witness"):
        tree.cosigned_checkpoint()
    old = tree.checkpoint()
    now = datetime.now(UTC)
    note = old.text + cosign_checkpoint(old.text, auditor[0], auditor[1], now).line
    tree.add_cosignatures(note)
    assert verify_cosignatures(tree.checkpoint().text, [auditor[0]])
    ages = tree.cosigned.ages(now + timedelta(seconds=90))
    assert 89 <= ages["auditor"] <= 91
    writer = Tree(tmp_path, key[0])
    writer.open()
    writer.integrate(entries[300:], key[1])
    assert verify_cosignatures(tree.checkpoint().text, [auditor[0]]) == ()
    receipt = tree.receipt(17, cosigned=True)
    assert receipt.checkpoint.size == receipt.verify().size == 300
    assert verify_cosignatures(receipt.checkpoint.text, [auditor[0]])
    with pytest.raises(ApplianceError, match="covers"):
        tree.receipt(300, cosigned=True)
    newer = tree.checkpoint()
    tree.add_cosignatures(newer.text + cosign_checkpoint(newer.text, auditor[0], auditor[1], now).line)
    tree.add_cosignatures(note)  # an older one that comes late changes nothing
    assert tree.cosigned_checkpoint().size == 700


def test_what_is_no_cosignature_of_a_known_witness_is_refused(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    grown(tmp_path, key, same_length_entries(300))
    tree = SignedTree(tmp_path, key[0], witnesses=[auditor[0]])
    text = tree.checkpoint().text
    spki, sign = new_sm2_key()
    stranger = WitnessKey("auditor", load_public_key(spki))
    ahead = cosign_checkpoint(text, auditor[0], auditor[1], datetime.now(UTC) + timedelta(hours=1))
    for note in (text, text + cosign_checkpoint(text, stranger, sign, _NOW).line, text + ahead.line, "nothing"):
        with pytest.raises(RequestError) as caught:
            tree.add_cosignatures(note)
        assert caught.value.reason is Reason.COSIGNATURE_WRONG
    assert not (tmp_path / "cosigned" / "auditor").exists()


def test_a_head_that_was_signed_and_is_not_in_the_folder_is_a_contradiction(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    entries = same_length_entries(300)
    here = tmp_path / "here"
    here.mkdir()
    grown(here, key, entries[:200])
    tree = SignedTree(here, key[0], witnesses=[auditor[0]])
    longer = _log(tmp_path / "longer", key, entries).checkpoint()
    other = _log(tmp_path / "other", key, [*entries[:99], b"another one!"]).checkpoint()
    for head, reason in ((longer, Reason.LOG_ROLLED_BACK), (other, Reason.LOG_FORKED)):
        note = head.text + cosign_checkpoint(head.text, auditor[0], auditor[1], _NOW).line
        with pytest.raises(ConfigurationError) as caught:
            tree.add_cosignatures(note)
        assert caught.value.reason is reason


def test_a_kept_file_that_was_altered_counts_as_none(
    tmp_path: Path, key: tuple[NoteKey, SignMessage], auditor: tuple[WitnessKey, SignMessage]
) -> None:
    grown(tmp_path, key, same_length_entries(10))
    tree = SignedTree(tmp_path, key[0], witnesses=[auditor[0]])
    text = tree.checkpoint().text
    tree.add_cosignatures(text + cosign_checkpoint(text, auditor[0], auditor[1], _NOW).line)
    file = tmp_path / "cosigned" / "auditor"
    content = file.read_bytes()
    file.write_bytes(content[:-9] + bytes((content[-9] ^ 1,)) + content[-8:])
    assert tree.cosigned.heads() == []
    assert tree.cosigned.ages(_NOW) == {"auditor": float("inf")}
    assert read_checkpoint(tree.checkpoint().text).size == 10
    shutil.rmtree(tmp_path / "cosigned")
    assert tree.cosigned.heads() == []
