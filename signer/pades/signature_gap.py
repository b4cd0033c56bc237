"""How a stranger's signature lies in its file: the four numbers of /ByteRange and what stands in the gap between them.

Works on raw bytes, so that no difference between two PDF parsers can hide anything. ISO 32000-1, 12.8.1; stricter than
most readers: everything but one hexadecimal string is covered, it holds one DER value, and only zeros follow it. Not
for what the signature says: `foreign_signature` judges that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from signer.errors import ApplianceError, Reason
from signer.findings import FindingCode

_HEX_DIGITS = b"0123456789ABCDEFabcdef"
# An array of four numbers in the clear, wherever it stands: what every filled signature has.
BYTE_RANGE = re.compile(rb"/ByteRange[\x00\t\n\f\r ]*\[[\x00\t\n\f\r ]*\d+(?:[\x00\t\n\f\r ]+\d+){3}[\x00\t\n\f\r ]*\]")


class GapProblem(Exception):
    """The signature does not lie in the file as it must; `code` says how."""

    def __init__(self, code: FindingCode) -> None:
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True)
class SignatureGap:
    """Offsets: the gap is data[start:end], the signed bytes end at `covered_end`. `cms`: the DER value in the gap."""

    start: int
    end: int
    covered_end: int
    cms: bytes

    @property
    def covered(self) -> tuple[int, int, int]:
        """The three offsets."""
        return self.start, self.end, self.covered_end


def digest_covered(data: bytes, covered: tuple[int, int, int], hash_name: str) -> bytes:
    """The digest (a hashlib name) of the bytes that a signature covers: gap begin, gap end, end of what is covered."""
    start, end, covered_end = covered
    view = memoryview(data)
    state = hashlib.new(hash_name, view[:start])
    state.update(view[end:covered_end])
    return state.digest()


def read_gap(data: bytes, byte_range: Sequence[object]) -> SignatureGap:
    """Checks a /ByteRange against the file.

    Raises:
        GapProblem: NOT_WHOLLY_COVERED (more than the signature is left out), JUNK_IN_SIGNATURE (more than the
            signature is in its place), SIGNATURE_MALFORMED (no four numbers, no DER).
    """
    numbers = [int(value) for value in byte_range if isinstance(value, int)]
    if len(byte_range) != 4 or len(numbers) != 4:
        raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    first, start, end, rest = numbers
    if first != 0 or not 0 < start < end or rest <= 0 or end + rest > len(data):
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
    digits = data[start + 1 : end - 1]
    brackets = data[start : start + 1] + data[end - 1 : end]
    if brackets != b"<>" or len(digits) % 2 or digits.translate(None, _HEX_DIGITS):
        raise GapProblem(FindingCode.NOT_WHOLLY_COVERED)
    content = bytes.fromhex(digits.decode())
    length = der_length(content)
    if content[length:].strip(b"\0"):
        raise GapProblem(FindingCode.JUNK_IN_SIGNATURE)
    return SignatureGap(start, end, end + rest, content[:length])


def read_gap_at(data: bytes, covered: tuple[int, int, int]) -> bytes:
    """The DER value in a gap whose offsets are known: gap begin, gap end, end of what is covered. Raises GapProblem."""
    start, end, covered_end = covered
    return read_gap(data, (0, start, end, covered_end - end)).cms


def filled_gap(content: bytes, length: int) -> bytes:
    """A gap of that many bytes with its brackets: the content in lowercase hexadecimal digits, then zeros.

    Raises:
        ApplianceError: OWN_SIGNATURE_WRONG when the content does not fit, or is empty.
    """
    digits, room = content.hex().encode(), length - 2
    if not digits or len(digits) > room:
        raise ApplianceError(
            Reason.OWN_SIGNATURE_WRONG,
            f"a signature of {len(content)} bytes does not fit where {room // 2} are reserved",
            "Use a shorter certificate chain for the seal key.",
        )
    return b"<" + digits.ljust(room, b"0") + b">"


def der_length(content: bytes) -> int:
    """The length of the DER SEQUENCE at the beginning (X.690, 10.1: the shortest definite form). Raises GapProblem."""
    if len(content) < 2 or content[0] != 0x30:
        raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    length, head = content[1], 2
    if length >= 0x80:
        head = 2 + (length & 0x7F)
        octets = content[2:head]
        length = int.from_bytes(octets, "big")
        if not 1 <= len(octets) <= 4 or octets[0] == 0 or length < 0x80:
            raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    if head + length > len(content):
        raise GapProblem(FindingCode.SIGNATURE_MALFORMED)
    return head + length
