"""Whatever a file holds that is named as a seal's picture: it becomes a picture that the embedder takes, or a configuration error."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_render.picture_drawing import draw_picture
from policy_render.png_picture import SIGNATURE
from policy_render.seal_appearance import SealAppearance
from signer.documents.seal_pictures import picture_from_file
from signer.errors import ConfigurationError
from signer.pades.seal_pictures import draws_only, seal_picture
from tests.seal_picture_files import chunk, drawn_svg, header, oval_svg, png, ring

_PNG = png(ring(size=(30, 20)))
_KINDS = st.sampled_from([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"acTL", b"tEXt"])
_PNGS = st.builds(
    lambda begun, chunks: begun + b"".join(chunk(*each) for each in chunks) + chunk(b"IEND", b""),
    st.builds(
        header,
        st.integers(0, 40),
        st.integers(0, 40),
        bits=st.sampled_from([0, 1, 2, 4, 8, 16]),
        colour_type=st.integers(0, 7),
    ),
    st.lists(st.tuples(_KINDS, st.binary(max_size=60)), max_size=5),
)
_SHAPES = [
    "rect",
    "circle",
    "path",
    "use",
    "g",
    "mask",
    "pattern",
    "clipPath",
    "linearGradient",
    "stop",
    "svg",
    "style",
    "symbol",
]
_VALUES = st.one_of(
    st.sampled_from(
        ["0", "-1", "1e30", "NaN", "url(#a)", "#a", "#b", "M0 0L9 9", "none", "50%", "0 0 10 10", "matrix(0 0 0 0 0 0)"]
    ),
    st.text(alphabet="0123456789 .,-eMLCZ#%()url", max_size=12),
)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "id",
            "width",
            "height",
            "d",
            "fill",
            "mask",
            "href",
            "x",
            "transform",
            "viewBox",
            "opacity",
            "stroke",
            "r",
            "style",
            "offset",
        ]
    ),
    _VALUES,
    max_size=5,
)


def _element(name: str, attributes: dict[str, str], inside: list[str]) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(inside)}</{name}>"


_ELEMENTS = st.recursive(
    st.builds(_element, st.sampled_from(_SHAPES), _ATTRIBUTES, st.just([])),
    lambda inside: st.builds(_element, st.sampled_from(_SHAPES), _ATTRIBUTES, st.lists(inside, max_size=3)),
    max_leaves=8,
)
_SVGS = st.builds(
    lambda box, inside: f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{inside}</svg>'.encode(),
    st.sampled_from(["0 0 10 10", "0 0 0 0", "-5 -5 1e9 1e9", "x"]),
    _ELEMENTS,
)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """One of our pictures with some bytes changed, taken out or put in."""
    content = bytearray(draw(st.sampled_from([_PNG, oval_svg(), drawn_svg()])))
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, len(content) - 1))
        content[position : position + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(content)


def _read(content: bytes) -> SealAppearance | ConfigurationError:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "seal"
        file.write_bytes(content)
        try:
            return picture_from_file(file, draw_picture)
        except ConfigurationError as problem:
            return problem


def _check(content: bytes) -> None:
    read = _read(content)
    if isinstance(read, ConfigurationError):
        assert read.remedy
    else:
        assert draws_only(seal_picture(read, 1_000), 1_000)


@settings(max_examples=80, deadline=None)
@given(st.one_of(_damaged(), _PNGS, st.binary(max_size=200).map(SIGNATURE.__add__)))
def test_pngs(content: bytes) -> None:
    _check(content)


@settings(max_examples=80, deadline=None)
@given(st.one_of(_SVGS, st.text(max_size=60).map(lambda text: f"<{text}".encode())))
def test_svgs(content: bytes) -> None:
    _check(content)


@pytest.mark.soak
@settings(max_examples=6_000, deadline=None)
@given(st.one_of(_damaged(), _PNGS))
def test_thousands_of_pngs(content: bytes) -> None:
    _check(content)


@pytest.mark.soak
@settings(max_examples=6_000, deadline=None)
@given(_SVGS)
def test_thousands_of_svgs(content: bytes) -> None:
    _check(content)
