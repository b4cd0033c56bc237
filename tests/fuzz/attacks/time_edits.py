"""Times moved: in the signature dictionary, in the CMS, in a timestamp that somebody else made.

A policy that was signed before its accident is worth more than one signed after. ETSI EN 319 102-1, 5.2.2: a claimed
time proves nothing; RFC 3161 tokens do, and are bound to one signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from asn1crypto import cms, core

from signer.cms.der import SEQUENCE, SET, encode, object_identifier, read
from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append

_TIMESTAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # RFC 3161, appendix A
_UNSIGNED_ATTRIBUTES = 0xA1  # RFC 5652, 5.3


def variants(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    """In place, in a revision, in the CMS."""
    data, structure = document.data, document.structure
    for match in list(re.finditer(rb"/M ?\(D:(\d{14})", data))[-2:]:
        for _ in range(3):
            digits = bytearray(match[1])
            at = chance.randrange(3, 14)
            digits[at] = chance.choice([value for value in b"0123456789" if value != digits[at]])
            yield Attack("the dictionary's time", data[: match.start(1)] + bytes(digits) + data[match.end(1) :])
    for number in list(structure.dictionaries(Type="/Sig"))[-1:]:
        for value in (b"(D:2020%02d01000000Z)" % chance.randrange(1, 13), None):
            body = structure.dictionary(number, M=value)
            yield Attack(
                "the dictionary's time in a revision", append(structure, {number: body}, chance.choice(HONEST))
            )
    yield from _in_the_cms(document, chance)


def _in_the_cms(document: SignedDocument, chance: Random) -> Iterator[Attack]:
    gap = document.structure.gaps[-1]
    digits = document.data[gap.start + 1 : gap.end - 1]
    info = cms.ContentInfo.load(bytes.fromhex(digits.decode()))
    signer = info["content"]["signer_infos"][0]
    made = [*list(signer["signed_attrs"]), cms.CMSAttribute({"type": "signing_time", "values": [_time(chance)]})]
    signer["signed_attrs"] = cms.CMSAttributes(made)
    yield Attack("a signing time added", document.with_signature(info.dump()))
    if document.ours:
        whole = cms.ContentInfo.load(bytes.fromhex(digits.decode())).dump()  # without what fills up the gap
        attribute = encode(SEQUENCE, object_identifier(_TIMESTAMP_TOKEN), encode(SET, whole))
        stamped = _with_unsigned_attribute(whole, attribute)
        if 2 * len(stamped) <= len(digits):
            yield Attack("a timestamp that is none", document.with_signature(stamped))


def _with_unsigned_attribute(content_info: bytes, attribute: bytes) -> bytes:
    """In place of those of its first signer. By bytes: asn1crypto takes minutes to write a CMS that holds another one."""
    name, tagged = read(content_info).children()
    *before, signers = tagged.children()[0].children()
    kept = [field.whole for field in signers.children()[0].children() if field.tag != _UNSIGNED_ATTRIBUTES]
    signer = encode(SEQUENCE, *kept, encode(_UNSIGNED_ATTRIBUTES, attribute))
    signed_data = encode(SEQUENCE, *(field.whole for field in before), encode(SET, signer))
    return encode(SEQUENCE, name.whole, encode(tagged.tag, signed_data))


def _time(chance: Random) -> cms.Time:
    return cms.Time("utc_time", core.UTCTime(f"{chance.randrange(10, 26)}0101000000Z"))
