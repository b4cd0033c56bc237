"""A signed tree head: C2SP tlog-checkpoint in a C2SP signed-note (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note).

The text says the log's origin, its size and its root; each line of a signature names who signed. The log's own key signs with
SM2 over SM3, a signature type that C2SP has no number for: 0xff and a name, as its specification wants for such. Not for deciding
when one is due: `tree` does that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from asn1crypto import pem

from signer.algorithms import PublicKey, SignatureAlgorithm, SignMessage, load_public_key
from signer.errors import ConfigurationError, Reason, RequestError, SignerError, VerificationError

_ALGORITHM = SignatureAlgorithm.SM2_SM3
CHECKPOINT_FILE = "checkpoint"  # in the log's folder
_ID_BYTES = 4
_ROOT_BYTES = 32
_MAX_TEXT = 64 * 1024
_MAX_SIGNATURES = 16
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9]\d{0,18}")


class CheckpointError(SignerError):
    """A text is no checkpoint, or not this log's."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CHECKPOINT_WRONG, message, "Take the log's own checkpoint and its public key.")


@dataclass(frozen=True)
class NamedKey:
    """Who signs notes: a name and an SM2 key. `kind`: the signature type, in the key id."""

    kind: ClassVar[bytes]
    name: str
    public_key: PublicKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CheckpointError(f"{self.name!r} can't name a key: no blanks, no plus sign")

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; no security rests on them."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public_key.spki).digest()[:_ID_BYTES]


class NoteKey(NamedKey):
    """A log's own key; its name is the log's origin."""

    kind = b"\xffgbt-32918-sm2-with-sm3\x00"


def load_note_key(file: Path, name: str) -> NoteKey:
    """The key in a file with a PEM public key. Raises ConfigurationError (START_FAILED)."""
    return NoteKey(name, load_public_key_file(file))


def load_public_key_file(file: Path) -> PublicKey:
    """The same without a name."""
    try:
        _, _, spki = pem.unarmor(file.read_bytes())
        return load_public_key(spki)
    except (OSError, ValueError, RequestError):
        raise ConfigurationError(
            Reason.START_FAILED, f"{file}: no public key of the log or of a witness", "Restore it, or run signer init."
        ) from None


@dataclass(frozen=True)
class Checkpoint:
    """The log `origin` had `size` entries under `root`. `text`: the whole signed note."""

    origin: str
    size: int
    root: bytes
    text: str = field(repr=False)


def body_of(origin: str, size: int, root: bytes) -> str:
    """What is signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def sign_checkpoint(origin: str, size: int, root: bytes, key: NoteKey, sign: SignMessage) -> str:
    """A checkpoint with the log's own signature. `sign`: over the body, by the key's private half; verified here before it counts.

    Raises:
        VerificationError: the signature that came back is wrong.
    """
    return cosign(body_of(origin, size, root) + "\n", key, sign)


def cosign(note: str, key: NoteKey, sign: SignMessage) -> str:
    """The note with one signature more. Raises VerificationError as `sign_checkpoint`."""
    body = note[: note.rindex("\n\n") + 1].encode()
    signature = sign(body)
    key.public_key.verify(_ALGORITHM, body, signature)
    return note + signature_line(key.name, key.key_id, signature)


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """A line that goes behind a note's blank line."""
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """What a checkpoint says, nobody's signature verified. Raises CheckpointError."""
    body, _ = split_note(text)
    lines = body.split("\n")
    if len(lines) < 4 or lines[-1] != "" or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise CheckpointError("not a checkpoint: origin, size and root must stand in its first three lines")
    root = _decode(lines[2])
    if len(root) != _ROOT_BYTES:
        raise CheckpointError("the checkpoint's root is not an SM3 hash")
    return Checkpoint(lines[0], int(lines[1]), root, text)


def verify_checkpoint(text: str, origin: str, key: NoteKey) -> Checkpoint:
    """Evidence that the key signed this checkpoint of the log `origin`.

    Raises:
        CheckpointError: no checkpoint, another log's, or not signed by the key.
    """
    checkpoint = read_checkpoint(text)
    if checkpoint.origin != origin:
        raise CheckpointError(f"a checkpoint of the log {checkpoint.origin!r}, not of {origin!r}")
    verify_note(text, [key])
    return checkpoint


def read_own_checkpoint(folder: Path, key: NoteKey) -> Checkpoint | None:
    """The last checkpoint, None for a log that has none yet. Raises ConfigurationError when it is not signed by the key."""
    try:
        text = (folder / CHECKPOINT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise _damaged("the checkpoint can't be read") from None
    try:
        return verify_checkpoint(text, key.name, key)
    except CheckpointError as problem:
        raise _damaged(problem.message) from None


def verify_note(text: str, keys: Sequence[NoteKey]) -> frozenset[str]:
    """Names of those of the keys whose right signatures the note carries. Raises CheckpointError when there is none, or a wrong one."""
    body, signatures = split_note(text)
    found = set()
    for name, key_id, signature in signatures:
        for key in keys:
            if (key.name, key.key_id) != (name, key_id):
                continue  # of somebody whom we don't know: not a fault (signed-note, "Verifying")
            try:
                key.public_key.verify(_ALGORITHM, body.encode(), signature)
            except VerificationError:
                raise CheckpointError(f"the signature of {name!r} is wrong") from None
            found.add(name)
    if not found:
        raise CheckpointError(f"not signed by {' or '.join(key.name for key in keys)}")
    return frozenset(found)


def split_note(text: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The body with its last new line, and the signatures: name, key id, signature. Raises CheckpointError."""
    body, blank, lines = text.rpartition("\n\n")
    if not blank or len(text) > _MAX_TEXT or not text.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in text):
        raise CheckpointError("not a signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        value = _decode(encoded)
        if dash != "—" or not _NAME.fullmatch(name) or len(value) <= _ID_BYTES:
            raise CheckpointError("a signature line is malformed")
        signatures.append((name, value[:_ID_BYTES], value[_ID_BYTES:]))
    if len(signatures) > _MAX_SIGNATURES:
        raise CheckpointError(f"more than {_MAX_SIGNATURES} signatures")
    return body + "\n", signatures


def _decode(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointError("not base64") from None
    if base64.b64encode(value).decode() != text:
        raise CheckpointError("not base64 in its one form")
    return value


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(
        Reason.LOG_DAMAGED, what, "Run signer audit fsck; restore the log's folder from its backup, and keep this one."
    )
