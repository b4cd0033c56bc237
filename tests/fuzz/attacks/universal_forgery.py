"""Universal signature forgery: the signature dictionary lacks or garbles what verification needs, and a page is forged.

"1 Trillion Dollar Refund" (see `incremental_saving`), attack USF: viewers that meet no error say "valid".
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from signer.cms import object_identifiers as oid
from signer.cms.der import SEQUENCE, SET, encode, integer
from tests.fuzz.attacks.alterations import one_alteration
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append

_WRONG = {
    "missing": None,
    "null": b"null",
    "a number": b"0",
    "a name": b"/None",
    "an empty string": b"<>",
    "zero": b"<00>",
    "an empty array": b"[]",
    "a dictionary": b"<<>>",
    "true": b"true",
    "a dangling reference": b"99999 0 R",
}
# ContentInfo with SignedData of version 1: no digest algorithms, data, no signer infos (RFC 5652, 5.1)
_NOBODY = encode(
    SEQUENCE,
    oid.RFC_SIGNED_DATA,
    encode(0xA0, encode(SEQUENCE, integer(1), encode(SET), encode(SEQUENCE, oid.RFC_DATA), encode(SET))),
)
_CMS = {
    "an empty SEQUENCE": b"<3000>",
    "no signer infos": b"<%b>" % _NOBODY.hex().encode(),
    "a type alone": b"<%b>" % encode(SEQUENCE, oid.RFC_SIGNED_DATA).hex().encode(),
    "text": b"(signed)",
}


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """Each entry in each wrong form, in a later revision; and in the signed bytes themselves."""
    structure = document.structure
    numbers = list(structure.dictionaries(Type="/Sig"))
    if not numbers:
        return
    number = numbers[-1]
    for entry in ("Contents", "ByteRange", "SubFilter", "Filter", "Type"):
        for kind, value in chance.sample(sorted(_WRONG.items()), 4):
            altered, objects = one_alteration(structure, chance)
            objects[number] = structure.dictionary(number, **{entry: value})
            yield Attack(f"{altered}, /{entry} {kind}", append(structure, objects, chance.choice(HONEST)))
    for kind, value in _CMS.items():
        altered, objects = one_alteration(structure, chance)
        objects[number] = structure.dictionary(number, Contents=value)
        yield Attack(f"{altered}, a CMS of {kind}", append(structure, objects, chance.choice(HONEST)))
    yield from _in_place(document, chance)


def _in_place(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """The same without a further revision, nothing moved: names misspelt, the signature blanked."""
    data, gap = document.data, document.structure.gaps[-1]
    for word in (b"/ByteRange", b"/Contents", b"/SubFilter"):
        at = data.rfind(word, 0, gap.start)
        spoilt = data[:at] + b"/" + bytes(chance.sample(range(97, 123), len(word) - 1)) + data[at + len(word) :]
        yield Attack(f"{word.decode()} misspelt", spoilt)
    width = gap.end - gap.start
    for kind, content in {
        "zeros": b"<" + b"0" * (width - 2) + b">",
        "null": b" null".ljust(width),
        "an empty string": b"<>".ljust(width),
        "nobody's signature": b"<" + _NOBODY.hex().encode().ljust(width - 2, b"0") + b">",
        "garbage": b"<" + chance.randbytes((width - 2) // 2).hex().encode() + b">",
    }.items():
        yield Attack(f"the signature replaced by {kind}", data[: gap.start] + content + data[gap.end :])
