"""Our DER reader and writer: the one undoes the other, and asn1crypto agrees with both.

Threat: T7.
"""

from __future__ import annotations

import pytest
from asn1crypto import core, parser
from hypothesis import given
from hypothesis import strategies as some

from signer.cms.der import (
    DerError,
    Element,
    encode,
    integer,
    object_identifier,
    read,
    read_integer,
    read_object_identifier,
    set_of,
)

_PRIMITIVE = some.sampled_from([0x02, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x80])
_CONSTRUCTED = some.sampled_from([0x30, 0x31, 0xA0, 0xA1])
_LEAVES = some.builds(encode, _PRIMITIVE, some.binary(max_size=300))
_TREES = some.recursive(
    _LEAVES,
    lambda inner: some.builds(lambda tag, parts: encode(tag, *parts), _CONSTRUCTED, some.lists(inner, max_size=5)),
)
_ARCS = some.tuples(some.integers(0, 1), some.integers(0, 39)) | some.tuples(some.just(2), some.integers(0, 1 << 70))
_IDENTIFIERS = some.builds(
    lambda first, rest: ".".join(str(arc) for arc in (*first, *rest)),
    _ARCS,
    some.lists(some.integers(0, 1 << 40), max_size=6),
)


def _rebuilt(element: Element) -> bytes:
    if element.tag & 0x20:
        return encode(element.tag, *(_rebuilt(child) for child in element.children()))
    return encode(element.tag, element.content)


@given(_TREES)
def test_what_is_written_is_read(tree: bytes) -> None:
    assert _rebuilt(read(tree)) == tree == read(tree).whole
    _, _, _, header, content, trailer = parser.parse(tree, strict=True)
    assert header + content + trailer == tree
    assert content == read(tree).content


@given(some.binary(max_size=40) | _TREES.flatmap(lambda tree: some.binary(max_size=3).map(lambda junk: tree + junk)))
def test_what_is_read_has_one_encoding(data: bytes) -> None:
    try:
        assert _rebuilt(read(data)) == data
    except DerError:
        return
    parser.parse(data, strict=True)


@given(some.integers(0, 1 << 300))
def test_integers(value: int) -> None:
    assert integer(value) == core.Integer(value).dump()
    assert read_integer(read(integer(value))) == value


@given(some.integers(max_value=-1))
def test_negative_integers_are_refused(value: int) -> None:
    with pytest.raises(DerError):
        read_integer(read(core.Integer(value).dump()))


@given(_IDENTIFIERS)
def test_object_identifiers(dotted: str) -> None:
    encoded = object_identifier(dotted)
    assert encoded == core.ObjectIdentifier(dotted).dump()
    assert read_object_identifier(read(encoded)) == dotted


@pytest.mark.parametrize("content", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x80", b"\x01" * 65])
def test_object_identifiers_that_are_none(content: bytes) -> None:
    with pytest.raises(DerError):
        read_object_identifier(read(encode(0x06, content)))


@given(some.lists(some.binary(max_size=20).map(lambda content: encode(0x04, content)), max_size=6))
def test_sets_stand_in_order(elements: list[bytes]) -> None:
    children = [child.whole for child in read(set_of(elements)).children()]
    assert children == sorted(elements)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536, (1 << 24) - 1, 1 << 24])
def test_lengths(length: int) -> None:
    encoded = encode(0x04, bytes(length))
    assert encoded == core.OctetString(bytes(length)).dump()
    assert read(encoded).content == bytes(length)


@pytest.mark.parametrize(
    "header", ["0401", "048101", "04820001", "0480", "04830001", "048500000000", "04ff", "0484", "1f01"]
)
def test_lengths_that_are_not_der(header: str) -> None:
    with pytest.raises(DerError):
        read(bytes.fromhex(header) + bytes(1 if header != "0401" else 2))
