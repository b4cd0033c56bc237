"""Whether a signed PDF that breaks the rules was signed as it is: then it can't be judged, but nobody changed it.

Some programs write tables that pyHanko, being strict, takes for damage: readers that mend them read them in ways of their own. Damage that
came after a signature is a change; damage that the signature covers is none. Not for whose signature it is: none here makes a file whole.
"""

from __future__ import annotations

import re
from functools import partial

from signer.cms.electronic_seal_structure import read_seal_signature
from signer.cms.electronic_seal_verify import verify_read_seal_signature
from signer.pades.foreign_cms import CmsSignature
from signer.pades.signature_formats import SignatureFormat, find_format
from signer.pades.signature_gap import BYTE_RANGE, SignatureGap, digest_covered, read_gap
from signer.pades.strict_reader import open_strictly
from signer.pades.table_limits import TableLimitExceeded

_MOST_SIGNATURES = 10
_NUMBER = re.compile(rb"\d+")


def was_signed_unreadable(data: bytes) -> bool:
    """True where every signature is right for the bytes that it covers, and none of them covers a file that can be read.

    Raises MemoryError alone.
    """
    ranges = [match[0] for match in BYTE_RANGE.finditer(data)]
    return 0 < len(ranges) <= _MOST_SIGNATURES and all(_covers_damage(data, item) for item in ranges)


def _covers_damage(data: bytes, byte_range: bytes) -> bool:
    try:
        gap = read_gap(data, [int(number) for number in _NUMBER.findall(byte_range)])
        _verify(data, gap)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - hostile bytes raise exceptions of many kinds in a parser; none of them is a right signature
        return False
    return not _is_readable(data[: gap.covered_end])


def _verify(data: bytes, gap: SignatureGap) -> None:
    """Raises an exception of any kind for a signature that is not right, or of a kind that can't be told without the file's structure."""
    kind = find_format("", gap.cms)
    if kind is SignatureFormat.SEAL:
        verify_read_seal_signature(read_seal_signature(gap.cms), digest_covered(data, gap.covered, "sm3"))
        return
    signature = CmsSignature.load(gap.cms)
    if signature.weakness() is not None:
        raise ValueError("weak")
    signed = b"".join((data[: gap.start], data[gap.end : gap.covered_end]))
    if kind is SignatureFormat.TIMESTAMP:
        signature.verify_as_timestamp(partial(digest_covered, data, gap.covered))
    elif kind is SignatureFormat.CMS:
        signature.verify(signed)
    elif kind is SignatureFormat.CMS_OF_DIGEST:
        signature.verify_as_digest(signed)
    else:
        raise ValueError("unknown")


def _is_readable(data: bytes) -> bool:
    try:
        open_strictly(data)
    except MemoryError:
        raise
    except TableLimitExceeded:
        return True
    except Exception:  # noqa: BLE001 - pyHanko raises exceptions of many kinds
        return False
    return True
