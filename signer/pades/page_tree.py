"""The pages of one revision of a stranger's PDF, in order, as references. ISO 32000-1, 7.7.3.

In the inspector's process, on pyHanko's objects. Not for counting the pages of a file that was not opened yet: `foreign`.
"""

# mypy: disallow-untyped-calls = False
# pyHanko's resolvers have no types.
from __future__ import annotations

from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from signer.findings import FindingCode
from signer.pades.signature_gap import GapProblem
from signer.pades.signed_revision import entry

_MAX_NODES = 50_000


def page_references(revision: HistoricalResolver) -> Iterator[generic.Reference]:
    """Every page. Raises GapProblem for a tree that is none: CHANGED_AFTER_SIGNING, as what can't be compared."""
    waiting = [revision.root.raw_get("/Pages").reference]
    seen: set[generic.Reference] = set()
    while waiting:
        reference = waiting.pop()
        if reference in seen or len(seen) > _MAX_NODES:
            raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)
        seen.add(reference)
        node = revision(reference)
        if "/Kids" in node:
            kids = node["/Kids"]
            waiting.extend(kids.raw_get(index).reference for index in reversed(range(len(kids))))
        else:
            yield reference


def annotation_references(revision: HistoricalResolver, page: generic.Reference) -> list[generic.Reference]:
    """The page's annotations, which are objects of their own. Raises AttributeError for one that is not."""
    listed = entry(revision(page), "/Annots", None)
    return [] if listed is None else [listed.raw_get(index).reference for index in range(len(listed))]
