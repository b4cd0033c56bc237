"""What a later revision may change of a file's information and metadata: when it was saved and by which program, no more.

No page shows a title or an author, but readers, archives and searches do, so they are part of what was signed; yet every program that
appends a revision writes dates and its own name anew, and pyHanko's difference rules let it write anything. ISO 32000-1, 14.3.
Not for whether the metadata is well-formed: pyHanko's rule for it looks at that before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.metadata.model import XmpStructure
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp
from pyhanko.pdf_utils.reader import HistoricalResolver

from signer.findings import FindingCode
from signer.pades.signature_gap import GapProblem

_INFORMATION = frozenset({"/ModDate", "/Producer"})
# XMP, part 1 (ISO 16684-1), 8.4 and 8.6; the instance is another one after each saving, and its history one line longer.
_METADATA = frozenset(
    {
        "{http://ns.adobe.com/xap/1.0/}ModifyDate",
        "{http://ns.adobe.com/xap/1.0/}MetadataDate",
        "{http://ns.adobe.com/pdf/1.3/}Producer",
        "{http://ns.adobe.com/xap/1.0/mm/}InstanceID",
        "{http://ns.adobe.com/xap/1.0/mm/}History",
    }
)


def check_metadata(old: HistoricalResolver, new: HistoricalResolver) -> None:
    """Compares what the signer saw with a later revision.

    Raises:
        GapProblem: CHANGED_AFTER_SIGNING.
        Exception: whatever pyHanko raises on hostile files.
    """
    if _information(old) != _information(new) or _metadata(old) != _metadata(new):
        raise GapProblem(FindingCode.CHANGED_AFTER_SIGNING)


def _information(revision: HistoricalResolver) -> dict[str, object]:
    """The trailer's /Info, without what every program writes anew."""
    trailer = revision.trailer_view
    if "/Info" not in trailer:
        return {}
    entry = trailer.raw_get("/Info")
    info = revision(entry.reference) if isinstance(entry, generic.IndirectObject) else entry
    if not isinstance(info, generic.DictionaryObject):
        return {"": info}
    return {key: _resolved(revision, info.raw_get(key)) for key in info if key not in _INFORMATION}


def _resolved(revision: HistoricalResolver, value: object) -> object:
    return revision(value.reference) if isinstance(value, generic.IndirectObject) else value


def _metadata(revision: HistoricalResolver) -> list[tuple[str, str]]:
    """The catalog's XMP: each property with its namespace, as often as it stands there, without what every program writes anew."""
    root = revision.root
    if "/Metadata" not in root:
        return []
    stream = _resolved(revision, root.raw_get("/Metadata"))
    if not isinstance(stream, generic.StreamObject):
        return [("", repr(stream))]
    packet = stream.read_data(DecodePurpose.XMP_METADATA)
    return sorted(_properties(parse_xmp(io.BytesIO(packet))))


def _properties(descriptions: list[XmpStructure]) -> Iterator[tuple[str, str]]:
    for description in descriptions:
        for name, value in description:
            key = f"{{{name.ns}}}{name.local_name}"
            if key not in _METADATA:
                yield key, repr(value)
