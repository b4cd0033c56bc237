"""The strict gate for files of our own making: a rendered PDF and exactly the updates that our embedder writes.

Reads the few numbers that an update depends on (`shape_plan`), lets `incremental_update` write the same update once more, and compares
every byte outside the signature's gap; the gap must hold one DER value in lowercase hexadecimal digits and zeros. So a file that passes
has no byte that is neither signed nor checked, up to the signatures' own values, which `verify` judges, and validation data behind the
last signature, which proves something or nothing. No PDF parser, safe on hostile bytes, well under a millisecond. A file that fails is
not wrong: it is not ours in shape, and `inspector` judges it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from signer.pades.incremental_update import byte_range, write_update
from signer.pades.rendered_pdf import PdfLayoutError
from signer.pades.revised_pdf import RevisedPdf
from signer.pades.shape_plan import ReadUpdate, ShapeMismatch, read_plan, read_table
from signer.pades.signature_gap import GapProblem, der_length, digest_covered
from signer.pades.update_plan import SUBFILTER_TIMESTAMP, SignatureFields

__all__ = ["SealedRevision", "SealedShape", "ShapeMismatch", "bears_our_mark", "check_shape"]

_TRAILER = re.compile(
    rb"trailer\n<</Size (?P<size>[1-9]\d{0,6})/Root [1-9]\d{0,6} 0 R[^\n]{0,300}>>\n"
    rb"startxref\n(?P<xref>[1-9]\d{0,9})\n%%EOF\n\Z"
)
_TRAILER_LIMIT = 500
# Seals of several keys, then a document timestamp every few years: more is no document of ours.
_MOST_UPDATES = 32

# Every file that our embedder made has these, in the bytes that its signature covers; hardly any other file does.
_MARKS = (
    b"/SigFlags 3>>>>\nendobj\n",
    b"/SigFlags 3>>/Perms<</DocMDP ",
    b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Name<FEFF",
)


@dataclass(frozen=True)
class SealedRevision:
    """One signature of a file of ours, and the bytes that it covers: all up to `end` but the gap.

    `content`: what stands in the gap, DER, exactly: CMS, or an electronic seal. `signed_at`: claimed, None for a document timestamp.
    The rest as in `prepare`.
    """

    gap_start: int
    gap_end: int
    end: int
    content: bytes
    subfilter: str
    signer_name: str
    reason: str
    signed_at: datetime | None
    certification: int

    @property
    def is_timestamp(self) -> bool:
        """A document timestamp, which seals nothing."""
        return self.subfilter.encode() == SUBFILTER_TIMESTAMP

    @property
    def covered(self) -> tuple[int, int, int]:
        """Offsets: gap begin, gap end, end of what is covered."""
        return self.gap_start, self.gap_end, self.end

    def digest(self, data: bytes, hash_name: str) -> bytes:
        """The digest (a hashlib name) of all bytes that it covers."""
        return digest_covered(data, self.covered, hash_name)


@dataclass(frozen=True)
class SealedShape:
    """A file that our embedder could have made, sealed at least once. `signatures`: in the order in which they were made."""

    pdf: RevisedPdf
    signatures: tuple[SealedRevision, ...]

    @property
    def original_length(self) -> int:
        """Bytes of the rendered document."""
        return len(self.pdf.rendered.data)

    @property
    def seals(self) -> tuple[SealedRevision, ...]:
        """The signatures that are no timestamps; at least one."""
        return tuple(each for each in self.signatures if not each.is_timestamp)

    def sm3_signed_and_whole(self, data: bytes) -> tuple[bytes, bytes]:
        """SM3 of what the last seal covers, and of the whole file; what is before the gap, most of a file, is hashed once."""
        last = self.seals[-1]
        view = memoryview(data)
        signed = hashlib.new("sm3", view[: last.gap_start])
        whole = signed.copy()
        signed.update(view[last.gap_end : last.end])
        whole.update(view[last.gap_start :])
        return signed.digest(), whole.digest()


def check_shape(data: bytes) -> SealedShape:
    """The parts of a sealed file of ours.

    Raises:
        ShapeMismatch: the file is not, byte for byte, what our embedder writes around signatures.
    """
    updates = list(_updates(data))
    try:
        pdf = RevisedPdf.read_rendered(data[: updates[-1].start])
        signatures: list[SealedRevision] = []
        for update in reversed(updates):
            pdf, signature = _check_update(data, pdf, update)
            if signature is not None:
                signatures.append(signature)
    except PdfLayoutError as problem:
        raise ShapeMismatch(problem.message) from None
    shape = SealedShape(pdf, tuple(signatures))
    if not signatures or signatures[0].is_timestamp:
        raise ShapeMismatch("the first update is not a seal")
    return shape


def bears_our_mark(data: bytes) -> bool:
    """True for whatever looks as if our embedder had once made it: where it fails the gate, it was changed since.

    Says nothing about who signed: anybody can write these bytes. Nobody can take them away without breaking the seal.
    """
    return any(mark in data for mark in _MARKS)


def _updates(data: bytes) -> Iterator[ReadUpdate]:
    """The updates from the last to the first."""
    end = len(data)
    for _ in range(_MOST_UPDATES):
        trailer = _TRAILER.search(data, max(0, end - _TRAILER_LIMIT), end)
        if trailer is None:
            if end == len(data):
                raise ShapeMismatch("the end is not ours")
            return
        offsets = read_table(data, int(trailer["xref"]), trailer.start())
        update = ReadUpdate(min(offsets.values()) - 1, end, int(trailer["size"]), offsets)
        yield update
        end = update.start
    raise ShapeMismatch("there are more updates than a document of ours has")


def _check_update(data: bytes, pdf: RevisedPdf, read: ReadUpdate) -> tuple[RevisedPdf, SealedRevision | None]:
    """What the document became by one update, and the signature that came with it."""
    plan, dictionary = read_plan(data, pdf, read)
    update = write_update(pdf, plan)
    gap_start, gap_end = (read.end, read.end) if dictionary is None else _gap(read.end, dictionary)
    if data[read.start : gap_start] != update.before or data[gap_end : read.end] != update.after:
        raise ShapeMismatch("the update is not the one that our embedder writes")
    # Pages are read from it alone, and only where the next update changes them once more.
    revised = pdf.revised(
        data[: read.end],
        size=update.size,
        xref_offset=update.xref_offset,
        offsets=update.offsets,
        additions=update.additions,
    )
    if plan.signature is None:
        return revised, None
    return revised, _revision(data, plan.signature, (gap_start, gap_end, read.end))


def _revision(data: bytes, fields: SignatureFields, covered: tuple[int, int, int]) -> SealedRevision:
    gap_start, gap_end, end = covered
    return SealedRevision(
        gap_start,
        gap_end,
        end,
        _read_contents(data[gap_start:gap_end]),
        fields.subfilter.decode(),
        _text(fields.name),
        _text(fields.reason),
        fields.signed_at,
        fields.certification,
    )


def _gap(revision_end: int, found: re.Match[bytes]) -> tuple[int, int]:
    """The gap as /ByteRange names it: right behind the dictionary's /Contents, and everything else covered."""
    start, end, rest = int(found["a"]), int(found["b"]), int(found["c"])
    if start != found.end() or end <= start or end + rest != revision_end:
        raise ShapeMismatch("/ByteRange does not cover everything but the signature")
    if found["range"] != byte_range(start, end - start, rest):
        raise ShapeMismatch("/ByteRange is not written as ours is")
    return start, end


def _read_contents(gap: bytes) -> bytes:
    """The one DER value of the gap; behind it only zeros."""
    digits = gap[1:-1]
    if gap[:1] != b"<" or gap[-1:] != b">" or len(digits) % 2 or digits.translate(None, b"0123456789abcdef"):
        raise ShapeMismatch("the signature's place does not hold lowercase hexadecimal digits alone")
    content = bytes.fromhex(digits.decode())
    try:
        length = der_length(content)
    except GapProblem:
        raise ShapeMismatch("the signature's place does not hold DER") from None
    if content[length:].strip(b"\0"):
        raise ShapeMismatch("the signature's place holds more than a signature")
    return content[:length]


def _text(string: bytes) -> str:
    return bytes.fromhex(string[5:-1].decode()).decode("utf-16-be", "replace")
