"""Tree heads timestamped outside: asks an authority for the newest head, keeps the answer beside the log, verifies what was kept.

In the log's directory: timestamps/<size>.checkpoint, the note that was stamped, and timestamps/<size>.tsr, the response. For an
appliance without witnesses: nobody can later write a log that is older than the stamp. Joins `audit` and `cms`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from signer.app.timestamp_client import ask_authority
from signer.audit.checkpoint import Checkpoint, NoteKey, verify_checkpoint
from signer.audit.durable_file import write_durably
from signer.audit.merkle import SM3, verify_consistency
from signer.audit.receipt import SignedTree
from signer.certificates import TrustStore
from signer.cms.timestamp_token import (
    TimestampError,
    TimestampEvidence,
    timestamp_request,
    verify_timestamp_response,
)

FOLDER = "timestamps"
_NONCE_BITS = 64
_SECONDS = 30.0


@dataclass(frozen=True)
class StampedHead:
    """A head of the log, and the evidence that it existed then."""

    checkpoint: Checkpoint
    evidence: TimestampEvidence


def stamp_head(
    folder: Path,
    key: NoteKey,
    url: str,
    trust: TrustStore,
    *,
    tls_authority: Path | None = None,
    seconds: float = _SECONDS,
) -> StampedHead:
    """Has the log's newest head timestamped. What was stamped is the note's bytes, the log's signature with them.

    Raises:
        ApplianceError: LOG_BEHIND; TIMESTAMP_UNAVAILABLE. TimestampError: an answer that can't be relied on; it is not kept.
        ConfigurationError: the log is damaged, or the URL can't be used. OSError: it can't be kept.
    """
    checkpoint = SignedTree(folder, key).checkpoint()
    content = checkpoint.text.encode()
    nonce = secrets.randbits(_NONCE_BITS)
    response = ask_authority(url, timestamp_request(content, nonce), seconds=seconds, tls_authority=tls_authority)
    evidence = verify_timestamp_response(response, content, trust, nonce=nonce)
    place = folder / FOLDER / str(checkpoint.size)
    write_durably(place.with_suffix(".checkpoint"), content)
    write_durably(place.with_suffix(".tsr"), response)
    return StampedHead(checkpoint, evidence)


def verify_stamped_heads(folder: Path, key: NoteKey, trust: TrustStore) -> list[StampedHead]:
    """Every kept timestamp, oldest size first: its token, the log's signature under it, and that the log grew from it.

    Raises:
        TimestampError, CheckpointError, ProofError, RequestError: one of them does not hold; the message says which size.
    """
    tree = SignedTree(folder, key)
    latest = tree.checkpoint()
    found = []
    for file in sorted((folder / FOLDER).glob("*.tsr"), key=lambda item: (len(item.stem), item.stem)):
        try:
            text = file.with_suffix(".checkpoint").read_text(encoding="utf-8")
            response = file.read_bytes()
        except (OSError, UnicodeDecodeError):
            raise TimestampError(f"the timestamp of {file.stem} entries, or what it is of, can't be read") from None
        checkpoint = verify_checkpoint(text, key.name, key)
        if str(checkpoint.size) != file.stem:
            raise TimestampError(f"the timestamp kept for {file.stem} entries is of {checkpoint.size}")
        proof = tree.consistency(checkpoint.size, latest)
        verify_consistency(SM3, checkpoint.size, checkpoint.root, latest.size, latest.root, proof)
        found.append(StampedHead(checkpoint, verify_timestamp_response(response, text.encode(), trust)))
    return found
