"""What documents cost by their pages and signatures: one caller, milliseconds, and how many times that of the smallest.

Not a comparison with others, which `tests.bench` makes: it shows what grows, and how fast.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.bench.documents import _fresh_data
from tests.bench.work import open_connection
from tests.bench.workload import Place

PAGES = (2, 10, 100, 300)  # a seal across pages needs two
SIGNATURES = (1, 2, 4, 8)
_ROUNDS = 7


@dataclass(frozen=True)
class Cost:
    """One line for build/bench.json. `milliseconds`: medians, one for each of `sizes`."""

    name: str
    by: str
    sizes: tuple[int, ...]
    milliseconds: tuple[float, ...]

    def __str__(self) -> str:
        cells = [f"{each:>8.0f} (×{each / self.milliseconds[0]:.1f})" for each in self.milliseconds]
        return f"{self.name:<44}" + "".join(f"{cell:>18}" for cell in cells)


def costs(place: Place) -> list[Cost]:
    """Measured over gRPC on a running appliance; prints each as it comes."""
    calls = _Calls(open_connection(place))
    found = []
    for by, sizes, steps in (("pages", PAGES, calls.by_pages()), ("signatures", SIGNATURES, calls.by_signatures())):
        print(f"{'by ' + by:<44}" + "".join(f"{size:>18}" for size in sizes), flush=True)
        for name, prepare in steps.items():
            found.append(Cost(name, by, sizes, tuple(_median(prepare(size)) for size in sizes)))
            print(found[-1], flush=True)
    return found


def _median(step: Callable[[], object]) -> float:
    step()
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        step()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


@cache
def _pages(number: int) -> bytes:
    from tests.fuzz.rendered_documents import rendered

    return rendered(number)


@cache
def _signed(pages: int, signatures: int) -> bytes:
    """By strangers, without pictures."""
    from tests.fuzz.sealed_documents import RSA, own_pki
    from tests.fuzz.strangers import SigningOptions, signed_by

    pdf = _pages(pages)
    for number in range(signatures):
        pdf = signed_by(pdf, own_pki(RSA), SigningOptions(field=f"Sig{number}", box=None))
    return pdf


class _Calls:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._documents = connection.documents

    def by_pages(self) -> dict[str, Callable[[int], Callable[[], object]]]:
        """What grows with pages."""
        return {
            "SealDocument, one place": lambda size: lambda: self._seal(_pages(size), across=False),
            "SealDocument, across all pages (骑缝章)": lambda size: lambda: self._seal(_pages(size), across=True),
            "VerifyDocument, sealed by us": lambda size: self._verifying(self._seal(_pages(size), across=True)),
            "VerifyDocument, signed by a stranger": lambda size: self._verifying(_signed(size, 1)),
        }

    def by_signatures(self) -> dict[str, Callable[[int], Callable[[], object]]]:
        """What grows with signatures."""
        return {
            "IssueDocument, SM2 and RSA seals in turn": lambda size: lambda: self._issue(size),
            "VerifyDocument, issued by us": lambda size: self._verifying(self._issue(size)),
            "VerifyDocument, signed by strangers": lambda size: self._verifying(_signed(1, size)),
        }

    def _seal(self, pdf: bytes, *, across: bool) -> bytes:
        from signer.v1 import document_pb2 as wire

        place = wire.SealPlace(box=wire.SealPlace.Box(page=1, x_mm=60, y_mm=50, width_mm=40))
        if across:
            place = wire.SealPlace(cross_page=wire.SealPlace.CrossPage(y_mm=80, width_mm=40))
        request = wire.SealDocumentRequest(pdf=pdf, seals=[wire.Seal(places=[place])], issue_id=str(uuid.uuid4()))
        sealed: bytes = self._connection.call(self._documents.SealDocument, request).pdf
        return sealed

    def _issue(self, seals: int) -> bytes:
        from signer.v1 import document_pb2 as wire

        data = _fresh_data("policy/commercial@1")()
        keys = ("seal-sm2", "seal-rsa")
        request = wire.IssueDocumentRequest(
            issue_id=str(uuid.uuid4()),
            template="policy/commercial",
            data_json=data,
            seals=[wire.Seal(key=keys[number % 2]) for number in range(seals)],
        )
        issued: bytes = self._connection.call(self._documents.IssueDocument, request).pdf
        return issued

    def _verifying(self, pdf: bytes) -> Callable[[], object]:
        from signer.v1 import document_pb2 as wire

        def step() -> object:
            request = wire.VerifyDocumentRequest(pdf=pdf, omit_report=True)
            report = self._connection.call(self._documents.VerifyDocument, request)
            assert report.integrity == wire.INTEGRITY_WHOLE, report
            return report

        return step
