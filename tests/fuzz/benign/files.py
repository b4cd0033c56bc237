"""The corpus of lawful files, by name; each is made when it is asked for. More than two hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from pyhanko.sign.fields import MDPPerm

from tests.fuzz import strangers
from tests.fuzz.attacks.targets import stranger
from tests.fuzz.benign import later
from tests.fuzz.benign.sources import SOURCES, source
from tests.fuzz.rendered_documents import rendered
from tests.fuzz.sealed_documents import RSA, SM2, own_pki, seal
from tests.fuzz.strangers import PKCS7, SigningOptions, signed_by

_BOX = (300, 40, 420, 90)
_RECIPES: dict[str, tuple[object, SigningOptions]] = {
    "RSA": (RSA, SigningOptions(box=_BOX)),
    "RSA, invisible": (RSA, SigningOptions(box=None)),
    "SM2": (SM2, SigningOptions(box=_BOX)),
    "plain CMS": (RSA, SigningOptions(PKCS7, box=None)),
    "certified 1": (RSA, SigningOptions(certify=True, permissions=MDPPerm.NO_CHANGES, box=None)),
    "certified 2": (SM2, SigningOptions(certify=True, permissions=MDPPerm.FILL_FORMS, box=_BOX)),
    "certified 3": (RSA, SigningOptions(certify=True, permissions=MDPPerm.ANNOTATE, box=_BOX)),
}
_LATER_SOURCES = ("typst A-3b", "qpdf, object streams", "typst 2.0", "cairo", "pdfium", "qpdf, linearised", "hybrid")
# Whose tables break the rules so that readers differ: expectations go by them.
_ODD_SOURCES = frozenset({"poppler, united"})


@dataclass(frozen=True)
class BenignFile:
    """`kind`: what was appended last, or "signed"; expectations go by it. `make`: the bytes."""

    name: str
    kind: str
    make: Callable[[], bytes]


def benign_files() -> Iterator[BenignFile]:
    """All of them."""
    for origin in SOURCES:
        for recipe in _RECIPES:
            kind = origin if origin in _ODD_SOURCES else "signed"
            yield BenignFile(f"{origin}; {recipe}", kind, partial(_signed, origin, recipe))
    for algorithm in (RSA, SM2):
        for count in (1, 2, 30):
            make = partial(_ours, algorithm, count)
            yield BenignFile(f"ours, {algorithm.name}, {count} pages", "signed", make)
    for origin in _LATER_SOURCES:
        for kind, append in _LATER.items():
            yield BenignFile(f"{origin}; {kind}", kind, partial(append, origin))


def _signed(origin: str, recipe: str) -> bytes:
    algorithm, options = _RECIPES[recipe]
    return signed_by(source(origin), stranger(algorithm), options)


def _ours(algorithm: object, count: int) -> bytes:
    pki = own_pki(RSA if algorithm is RSA else SM2)
    return seal(rendered(count), pki, places=())


def _validation_data(origin: str, recipe: str = "RSA") -> bytes:
    return strangers.with_validation_data(_signed(origin, recipe), stranger(RSA))


def _archive_timestamp(origin: str, times: int = 1) -> bytes:
    data = _validation_data(origin)
    for _ in range(times):
        data = strangers.with_document_timestamp(data, stranger(RSA))
    return data


def _countersigned(origin: str, recipe: str, *others: object) -> bytes:
    data = _signed(origin, recipe)
    for number, algorithm in enumerate(others, 2):
        data = later.countersigned(
            data, stranger(algorithm), field=f"Sig{number}", box=(20, 40 * number, 80, 40 * number + 30)
        )
    return data


def _invisibly_countersigned(origin: str) -> bytes:
    """A certified document takes further signatures, but no new fields that show: they could show anything."""
    return later.countersigned(_signed(origin, "certified 2"), stranger(RSA), field="Sig2")


def _in_a_waiting_field(origin: str, recipe: str) -> bytes:
    algorithm, options = _RECIPES[recipe]
    data = signed_by(later.with_empty_signature_field(source(origin)), stranger(algorithm), options)
    return later.countersigned(data, stranger(RSA), field="Approval")


def _filled(origin: str, recipe: str, times: int = 1) -> bytes:
    algorithm, options = _RECIPES[recipe]
    data = signed_by(later.with_small_field(source(origin)), stranger(algorithm), options)
    for number in range(times):
        data = later.filled_in(data, f"seen {number}")
    return data


def _filled_and_signed(origin: str) -> bytes:
    return later.countersigned(_filled(origin, "certified 2"), stranger(SM2), field="Sig2")


_LATER: dict[str, Callable[[str], bytes]] = {
    "validation data": _validation_data,
    "validation data, certified": partial(_validation_data, recipe="certified 1"),
    "archive timestamp": _archive_timestamp,
    "archive timestamps": partial(_archive_timestamp, times=3),
    "second signature": lambda origin: _countersigned(origin, "RSA", SM2),
    "three signatures": lambda origin: _countersigned(origin, "SM2", RSA, SM2),
    "invisible signature on certified 2": _invisibly_countersigned,
    "signature in a waiting field": lambda origin: _in_a_waiting_field(origin, "certified 2"),
    "field filled in": lambda origin: _filled(origin, "RSA"),
    "field filled in, certified 2": lambda origin: _filled(origin, "certified 2"),
    "field filled in twice, certified 3": lambda origin: _filled(origin, "certified 3", times=2),
    "filled in and signed": _filled_and_signed,
    "validation data for two": lambda origin: strangers.with_validation_data(
        _countersigned(origin, "RSA", SM2), stranger(RSA)
    ),
    "comment, certified 3": lambda origin: later.commented(_signed(origin, "certified 3")),
    "comment and signature, certified 3": lambda origin: later.countersigned(
        later.commented(_signed(origin, "certified 3")), stranger(SM2), field="Sig2"
    ),
}
