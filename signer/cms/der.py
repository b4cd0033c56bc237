"""DER (ITU-T X.690 clause 10) for CMS: writing from ready-made parts, and a reader that takes nothing but DER.

Indefinite lengths, lengths longer than needed and bytes behind the last element are refused, so that a structure that was
read has one encoding only. Not an ASN.1 compiler: callers know the structure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SET = 0x31
_MAX_CHILDREN = 256


class DerError(ValueError):
    """The bytes are not the DER that was expected."""


def encode(tag: int, *parts: bytes) -> bytes:
    """One element with a definite, minimal length."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def object_identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER element."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytearray()
    for value in (first * 40 + second, *rest):
        groups = [value & 0x7F]
        while value := value >> 7:
            groups.append(0x80 | value & 0x7F)
        content += bytes(reversed(groups))
    return encode(OBJECT_IDENTIFIER, bytes(content))


def set_of(elements: list[bytes], tag: int = SET) -> bytes:
    """A SET OF in DER order (X.690 clause 11.6)."""
    return encode(tag, *sorted(elements))


@dataclass(frozen=True)
class Element:
    """One element: `whole` with tag and length, `content` without."""

    tag: int
    content: bytes
    whole: bytes

    def expect(self, tag: int) -> Element:
        """Itself, if it has that tag. Raises DerError."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#x} where {tag:#x} belongs")
        return self

    def children(self) -> list[Element]:
        """The elements inside. Raises DerError."""
        return list(_elements(self.content))


def read(data: bytes) -> Element:
    """The one element that the data is. Raises DerError, for bytes behind it too."""
    element, end = _element(data, 0)
    if end != len(data):
        raise DerError("bytes after the element")
    return element


def read_integer(element: Element) -> int:
    """A non-negative INTEGER in minimal form. Raises DerError."""
    content = element.expect(INTEGER).content
    if not content or content[0] & 0x80 or (len(content) > 1 and content[0] == 0 and not content[1] & 0x80):
        raise DerError("not a minimal, non-negative INTEGER")
    return int.from_bytes(content, "big")


def _elements(data: bytes) -> Iterator[Element]:
    position = 0
    for _ in range(_MAX_CHILDREN):
        if position == len(data):
            return
        element, position = _element(data, position)
        yield element
    raise DerError("too many elements")


def _element(data: bytes, start: int) -> tuple[Element, int]:
    if len(data) < start + 2:
        raise DerError("cut short")
    tag, length = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("a tag of several bytes")
    position = start + 2
    if length & 0x80:
        count = length & 0x7F
        octets = data[position : position + count]
        if not 1 <= count <= 4 or len(octets) < count or octets[0] == 0:
            raise DerError("an indefinite or unusual length")
        length = int.from_bytes(octets, "big")
        if length < 0x80:
            raise DerError("a length longer than needed")
        position += count
    end = position + length
    if end > len(data):
        raise DerError("cut short")
    return Element(tag, data[position:end], data[start:end]), end
