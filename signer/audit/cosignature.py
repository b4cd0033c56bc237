"""A witness's signature on a tree head, with the time: C2SP tlog-cosignature (https://c2sp.org/tlog-cosignature) in a signed note.

The line's signature is over "cosignature/v1", the time and the note's body, so that it can't pass for a log's own. C2SP
knows Ed25519; SM2 with SM3 has a signature type 0xff and a name here, as the log's own signatures. Not for deciding whether a
head may be cosigned: `witness` does that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from signer.algorithms import SignatureAlgorithm, SignMessage
from signer.audit.checkpoint import (
    CheckpointError,
    NamedKey,
    NoteKey,
    load_public_key_file,
    signature_line,
    split_note,
)
from signer.errors import VerificationError

_ALGORITHM = SignatureAlgorithm.SM2_SM3
_TIME = struct.Struct(">Q")
_LAST_SECOND = 253_402_300_799  # of the year 9999


class WitnessKey(NamedKey):
    """Who cosigns."""

    kind = b"\xffgbt-32918-sm2-with-sm3-cosignature-v1\x00"


@dataclass(frozen=True)
class Cosignature:
    """`witness` had seen the head at `moment` (UTC, by its own clock, to the second). `line`: as it stands in the note."""

    witness: str
    moment: datetime
    line: str


def load_witness_keys(files: Iterable[tuple[str, Path]]) -> tuple[WitnessKey, ...]:
    """Witnesses' names and the files with their public keys (PEM). Raises ConfigurationError (START_FAILED), CheckpointError."""
    return tuple(WitnessKey(name, load_public_key_file(file)) for name, file in files)


def cosign_checkpoint(text: str, key: WitnessKey, sign: SignMessage, moment: datetime) -> Cosignature:
    """A cosignature on a checkpoint that the witness has judged.

    Raises:
        CheckpointError: not a signed note.
        VerificationError: the signature that came back is wrong.
    """
    body, _ = split_note(text)
    second = int(moment.timestamp())
    message = _message(body, second)
    signature = sign(message)
    key.public_key.verify(_ALGORITHM, message, signature)
    line = signature_line(key.name, key.key_id, _TIME.pack(second) + signature)
    return Cosignature(key.name, datetime.fromtimestamp(second, UTC), line)


def verify_cosignatures(text: str, keys: Sequence[WitnessKey]) -> tuple[Cosignature, ...]:
    """The newest right cosignature of each of the witnesses, in their order; lines of others are passed over.

    Raises:
        CheckpointError: not a signed note, or a line in a witness's name and key id is wrong.
    """
    body, signatures = split_note(text)
    newest: dict[str, Cosignature] = {}
    for key in keys:
        for name, key_id, value in signatures:
            if (name, key_id) != (key.name, key.key_id):
                continue
            found = _verify(body, value, key)
            if name not in newest or found.moment > newest[name].moment:
                newest[name] = found
    return tuple(newest.values())


def refuse_strange_lines(text: str, log: NoteKey, witnesses: Sequence[WitnessKey]) -> None:
    """For texts of which every byte must count: raises CheckpointError for a signature line of anybody else."""
    keys: tuple[NamedKey, ...] = (log, *witnesses)
    known = {(key.name, key.key_id) for key in keys}
    for name, key_id, _ in split_note(text)[1]:
        if (name, key_id) not in known:
            raise CheckpointError(f"a signature line of {name!r}, whose key was not given")


def without_cosignatures(text: str, log: NoteKey) -> str:
    """The checkpoint with the log's own signature lines alone. Raises CheckpointError."""
    body, signatures = split_note(text)
    lines = [signature_line(*item) for item in signatures if item[:2] == (log.name, log.key_id)]
    return body + "\n" + "".join(lines)


def _verify(body: str, value: bytes, key: WitnessKey) -> Cosignature:
    if len(value) <= _TIME.size:
        raise CheckpointError(f"the cosignature of {key.name!r} is too short")
    (second,) = _TIME.unpack_from(value)
    try:
        if second > _LAST_SECOND:
            raise CheckpointError(f"the cosignature of {key.name!r} is of no time")
        key.public_key.verify(_ALGORITHM, _message(body, second), value[_TIME.size :])
    except VerificationError:
        raise CheckpointError(f"the cosignature of {key.name!r} is wrong") from None
    line = signature_line(key.name, key.key_id, value)
    return Cosignature(key.name, datetime.fromtimestamp(second, UTC), line)


def _message(body: str, second: int) -> bytes:
    return f"cosignature/v1\ntime {second}\n{body}".encode()
