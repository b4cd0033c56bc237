"""How properties change DER: bytes replaced, inserted, deleted, doubled, cut; lengths rewritten; tags exchanged."""

from __future__ import annotations

from hypothesis import strategies as some

_MAX_CHANGES = 4
_TELLING = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x17, 0x30, 0x31, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA0, 0xA1, 0xFF)


@some.composite
def mutated(draw: some.DrawFn, original: bytes) -> bytes:
    """The original with one to four changes; now and then they undo each other."""
    changed = bytearray(original)
    for _ in range(draw(some.integers(1, _MAX_CHANGES))):
        if not changed:
            break
        _change(draw, changed)
    return bytes(changed)


def _change(draw: some.DrawFn, changed: bytearray) -> None:
    at = draw(some.integers(0, len(changed) - 1))
    length = draw(some.integers(1, 40))
    value = draw(some.one_of(some.sampled_from(_TELLING), some.integers(0, 255)))
    match draw(some.sampled_from(["replace", "flip", "insert", "delete", "double", "cut", "exchange"])):
        case "replace":
            changed[at] = value
        case "flip":
            changed[at] ^= 1 << (value % 8)
        case "insert":
            changed[at:at] = bytes((value,)) * (length if length > 35 else 1)
        case "delete":
            del changed[at : at + length]
        case "double":
            changed[at:at] = changed[at : at + length]
        case "cut":
            del changed[at + 1 :]
        case "exchange":
            other = draw(some.integers(0, len(changed) - 1))
            changed[at], changed[other] = changed[other], changed[at]
