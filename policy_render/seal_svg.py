"""A drawn seal as SVG, for electronic seals that carry their picture as a file. Knows the few operators that `seal_appearance` writes."""

from __future__ import annotations

from policy_render.seal_appearance import SealAppearance

_PATH = {"m": ("M", 2), "l": ("L", 2), "c": ("C", 6), "h": ("Z", 0)}


def seal_svg(appearance: SealAppearance) -> bytes:
    """An SVG 1.1 document of the same drawing. The same appearance gives the same bytes."""
    left, bottom, right, top = appearance.bbox
    shapes: list[str] = []
    operands: list[str] = []
    path: list[str] = []
    fill = stroke = "rgb(0%,0%,0%)"
    width = "1"
    for word in appearance.content.decode("ascii").split():
        if word in _PATH:
            letter, count = _PATH[word]
            path.append(letter + " ".join(operands[-count:] if count else ()))
        elif word == "rg":
            fill = _colour(operands)
        elif word == "RG":
            stroke = _colour(operands)
        elif word == "w":
            width = operands[-1]
        elif word in {"f", "S"}:
            paint = f'fill="{fill}"' if word == "f" else f'fill="none" stroke="{stroke}" stroke-width="{width}"'
            shapes.append(f'<path {paint} d="{"".join(path)}"/>')
            path = []
        else:
            operands.append(word)
            continue
        operands = []
    flip = f'<g transform="matrix(1 0 0 -1 {-left:g} {top:g})">'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" viewBox="0 0 {right - left:g} {top - bottom:g}">'
    return "".join([head, flip, *shapes, "</g></svg>\n"]).encode("ascii")


def _colour(operands: list[str]) -> str:
    return "rgb({}%,{}%,{}%)".format(*(f"{float(value) * 100:g}" for value in operands[-3:]))
