"""Times moved: in the signature dictionary, in the CMS, in a timestamp that somebody else made.

A policy that was signed before its accident is worth more than one signed after. ETSI EN 319 102-1, 5.2.2: a claimed
time proves nothing; RFC 3161 tokens do, and are bound to one signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from asn1crypto import cms, core

from tests.fuzz.attacks.attack import Attack, SignedDocument
from tests.fuzz.attacks.revisions import HONEST, append


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
        info = cms.ContentInfo.load(bytes.fromhex(digits.decode()))
        signer = info["content"]["signer_infos"][0]
        token = cms.ContentInfo.load(info.dump())
        stamp = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
        signer["unsigned_attrs"] = cms.CMSAttributes([stamp])
        yield Attack("a timestamp that is none", document.with_signature(info.dump()))


def _time(chance: Random) -> cms.Time:
    return cms.Time("utc_time", core.UTCTime(f"{chance.randrange(10, 26)}0101000000Z"))
