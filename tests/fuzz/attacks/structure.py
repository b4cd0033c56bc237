"""What an attacker reads of a PDF, by qpdf: object bodies, pages, trailer, and where signatures lie in the bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pikepdf

_GAP = re.compile(
    rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]",
)


@dataclass(frozen=True)
class Gap:
    """A signature's place: data[start:end] with its brackets; the signed bytes end at `covered_end`."""

    start: int
    end: int
    covered_end: int
    range_start: int
    range_end: int


class Structure:
    """A file, opened. `root`, `size`: of its trailer; `start`: the newest cross-reference section's offset."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._pdf = pikepdf.open(io.BytesIO(data))
        self.root = int(self._pdf.Root.objgen[0])
        self.size = max(int(self._pdf.trailer["/Size"]), len(self._pdf.objects) + 1)
        self.start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
        self.pages = [int(page.obj.objgen[0]) for page in self._pdf.pages]
        self.gaps = list(_gaps(data))

    def entries(self, number: int) -> dict[str, bytes]:
        """An object's dictionary, a stream's too: names and values as they would be written."""
        item = self._pdf.get_object((number, 0))
        return {key: written(item.get(key)) for key in item.keys()}  # noqa: SIM118 - a pikepdf object, not a dict

    def dictionary(self, number: int, **changes: bytes | None) -> bytes:
        """The dictionary with other entries: `Contents=b"9 0 R"`; None takes an entry away."""
        entries = self.entries(number)
        for name, value in changes.items():
            if value is None:
                entries.pop(f"/{name}", None)
            else:
                entries[f"/{name}"] = value
        return join(entries)

    def body(self, number: int) -> bytes:
        """An object as it could stand in a file, between "obj" and "endobj"."""
        item = self._pdf.get_object((number, 0))
        if not isinstance(item, pikepdf.Stream):
            return bytes(item.unparse(resolved=True))
        head = join({**self.entries(number), "/Length": b"%d" % len(item.read_raw_bytes())})
        return b"%b\nstream\n%b\nendstream" % (head, bytes(item.read_raw_bytes()))

    def content(self, number: int) -> bytes:
        """What a page draws, or what a stream holds, decoded."""
        item = self._pdf.get_object((number, 0))
        if isinstance(item, pikepdf.Stream):
            return bytes(item.read_bytes())
        contents = item.get("/Contents")
        parts = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
        return b"\n".join(bytes(part.read_bytes()) for part in parts if part is not None)

    def content_number(self, page: int) -> int:
        """The number of the (first) content stream of a page; 0 where it has none of its own."""
        contents = self._pdf.get_object((page, 0)).get("/Contents")
        if isinstance(contents, pikepdf.Array):
            contents = contents[0] if len(contents) else None
        return 0 if contents is None else int(contents.objgen[0])

    def streams(self, **wanted: str) -> Iterator[int]:
        """Numbers of streams with those names in their dictionary: `streams(Subtype="/Image")`."""
        for item in self._pdf.objects:
            if isinstance(item, pikepdf.Stream) and all(item.get(f"/{key}") == name for key, name in wanted.items()):
                yield int(item.objgen[0])

    def dictionaries(self, **wanted: str) -> Iterator[int]:
        """The same for dictionaries that are no streams."""
        for item in self._pdf.objects:
            if isinstance(item, pikepdf.Dictionary) and all(
                item.get(f"/{key}") == name for key, name in wanted.items()
            ):
                yield int(item.objgen[0])

    def array(self, number: int) -> bytes:
        """An object that is an array, as it would be written."""
        return bytes(self._pdf.get_object((number, 0)).unparse(resolved=True))

    def parent(self, page: int) -> bytes:
        """The reference to a page's parent."""
        return self.entries(page)["/Parent"]


def written(value: Any) -> bytes:
    """A pikepdf value as it stands in a file; references stay references."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, pikepdf.Object):
        return bytes(value.unparse())
    return b"null" if value is None else str(value).encode()


def join(entries: Mapping[str, bytes]) -> bytes:
    """A dictionary."""
    return b"<<%b>>" % b"".join(b"%b %b" % (name.encode(), value) for name, value in entries.items())


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream's body."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


def _gaps(data: bytes) -> Iterator[Gap]:
    for match in _GAP.finditer(data):
        start, end, rest = (int(number) for number in match.groups())
        if data[start : start + 1] == b"<" and end + rest <= len(data):
            yield Gap(start, end, end + rest, match.start(), match.end())
