"""Reads one uploaded file into memory, bounded: never to disk, never more than 32 MiB, never more than all uploads may hold together.

multipart/form-data by aiohttp's parser, with the file in the field "file", or the bare file as application/pdf. Not for what the
file is: the appliance judges that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from signer.web.admission import HeldBytes
from signer.web.refusal import malformed, no_file, too_large, unknown_form

MAX_FILE_BYTES = 32 * 1024 * 1024
_FORM_BYTES = 64 * 1024  # boundaries, heads of parts, other fields
_CHUNK = 256 * 1024
_MOST_PARTS = 8
_LONGEST_NAME = 120


@dataclass(frozen=True)
class UploadedFile:
    """`name`: as the browser calls it, shortened, printable; shown to nobody but who sent it."""

    content: bytes
    name: str


async def read_upload(request: web.BaseRequest, held: HeldBytes) -> UploadedFile:
    """The file of a request.

    Raises:
        Refusal: too-large, no-file, malformed, unknown-form, busy.
        ConnectionError: the client went away.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise unknown_form()
    if request.content_length is not None and request.content_length > MAX_FILE_BYTES + _FORM_BYTES:
        raise too_large()
    if request.content_type == "application/pdf":
        content = await _collect(_body(request), held)
        name = ""
    elif request.content_type == "multipart/form-data":
        content, name = await _read_form(request, held)
    else:
        raise unknown_form()
    if not content:
        raise no_file()
    return UploadedFile(content, name)


async def _read_form(request: web.BaseRequest, held: HeldBytes) -> tuple[bytes, str]:
    try:
        parts = await request.multipart()
        for _ in range(_MOST_PARTS):
            part = await parts.next()
            if part is None:
                break
            if not isinstance(part, BodyPartReader):
                raise malformed()  # a form within the form
            if part.name == "file":
                content = await _collect(_part(part), held)
                await parts.next()  # its boundary must follow: a form that was cut has cut the file, too
                return content, _printable(part.filename or "")
            await _discard(part)
    except (ValueError, HttpProcessingError, web.RequestPayloadError, RuntimeError, AssertionError) as problem:
        if isinstance(problem, ConnectionError):
            raise
        raise malformed() from None  # what the parser raises for forms that are none
    raise no_file()


async def _body(request: web.BaseRequest) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(_CHUNK):
        yield chunk


async def _part(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(_CHUNK):
        yield chunk


async def _collect(chunks: AsyncIterator[bytes], held: HeldBytes) -> bytes:
    collected = bytearray()
    async for chunk in chunks:
        if len(collected) + len(chunk) > MAX_FILE_BYTES:
            raise too_large()
        held.add(len(chunk))
        collected += chunk
    return bytes(collected)


async def _discard(part: BodyPartReader) -> None:
    read = 0
    async for chunk in _part(part):
        read += len(chunk)
        if read > _FORM_BYTES:
            raise malformed()


def _printable(name: str) -> str:
    name = name.replace("\\", "/").rpartition("/")[2]  # old browsers send the whole path
    return "".join(character for character in name if character.isprintable())[:_LONGEST_NAME]
