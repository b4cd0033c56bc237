"""DER (ITU-T X.690 clause 10) for CMS: writing from ready-made parts, and a reader that takes nothing but DER.

Indefinite lengths, lengths longer than needed and bytes behind the last element are refused, so that a structure that was
read has one encoding only. Not an ASN.1 compiler: callers know the structure.
"""

from __future__ import annotations

from typing import NamedTuple

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SET = 0x31
_MAX_CHILDREN = 256
_MAX_IDENTIFIER_BYTES = 64


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


def integer(value: int) -> bytes:
    """A non-negative INTEGER element."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))  # one bit more: INTEGERs are signed


class Element(NamedTuple):
    """One element inside `data`: from `start`, its content from `body`, both up to `end`. Copies nothing until asked."""

    tag: int
    data: bytes
    start: int
    body: int
    end: int

    @property
    def content(self) -> bytes:
        """The element without tag and length."""
        return self.data[self.body : self.end]

    @property
    def whole(self) -> bytes:
        """The element with tag and length."""
        return self.data[self.start : self.end]

    def expect(self, tag: int) -> Element:
        """Itself, if it has that tag. Raises DerError."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#x} where {tag:#x} belongs")
        return self

    def children(self) -> list[Element]:
        """The elements inside, at most 256. Raises DerError."""
        found: list[Element] = []
        position = self.body
        while position < self.end:
            if len(found) == _MAX_CHILDREN:
                raise DerError("too many elements")
            found.append(_element(self.data, position, self.end))
            position = found[-1].end
        return found


def read(data: bytes) -> Element:
    """The one element that the data is. Raises DerError, for bytes behind it too."""
    element = _element(data, 0, len(data))
    if element.end != len(data):
        raise DerError("bytes after the element")
    return element


def read_integer(element: Element) -> int:
    """A non-negative INTEGER in minimal form. Raises DerError."""
    content = element.expect(INTEGER).content
    if not content or content[0] & 0x80 or (len(content) > 1 and content[0] == 0 and not content[1] & 0x80):
        raise DerError("not a minimal, non-negative INTEGER")
    return int.from_bytes(content, "big")


def read_object_identifier(element: Element) -> str:
    """The dotted form. Raises DerError."""
    content = element.expect(OBJECT_IDENTIFIER).content
    if not content or content[-1] & 0x80 or len(content) > _MAX_IDENTIFIER_BYTES:
        raise DerError("not an OBJECT IDENTIFIER")
    arcs, value = [], 0
    for octet in content:
        if value == 0 and octet == 0x80:
            raise DerError("an OBJECT IDENTIFIER that is not minimal")
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def _element(data: bytes, start: int, limit: int) -> Element:
    if limit < start + 2:
        raise DerError("cut short")
    tag, length = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("a tag of several bytes")
    body = start + 2
    if length & 0x80:
        count = length & 0x7F
        octets = data[body : min(body + count, limit)]
        if not 1 <= count <= 4 or len(octets) < count or octets[0] == 0:
            raise DerError("an indefinite or unusual length")
        length = int.from_bytes(octets, "big")
        if length < 0x80:
            raise DerError("a length longer than needed")
        body += count
    if body + length > limit:
        raise DerError("cut short")
    return Element(tag, data, start, body, body + length)
