"""Judges an SVG that is to be a seal's picture: shapes and their colours, whole in itself; nothing that runs, moves or is fetched.

Counts what drawing would cost before anybody draws, so a bomb of references is refused. Drawing is Typst's (`picture_drawing`). SVG 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.parsers import expat

from policy_render.png_picture import unfit

_SVG = "http://www.w3.org/2000/svg"
_SEPARATOR = " "
_MAX_DEPTH = 64
# What is drawn in the end, every reference followed; a seal in fine lines has a few thousand.
_MAX_DRAWN = 20_000
_TEXTS = frozenset({"text", "tspan", "textPath", "tref", "font", "font-face"})
_REFUSED = {
    "script": "a script",
    "foreignObject": "content of another kind",
    "image": "a picture of pixels",
    "feImage": "a picture of pixels",
    "filter": "a filter",
    "marker": "a marker",
    "a": "a link",
    "animate": "an animation",
    "animateColor": "an animation",
    "animateMotion": "an animation",
    "animateTransform": "an animation",
    "set": "an animation",
}
# What a rule in <style> may lend a mask or a pattern to.
_DRAWING = frozenset(
    {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "g", "svg", "use", "symbol", "switch"}
)
_HREFS = frozenset({"href", "http://www.w3.org/1999/xlink href"})
_URL = re.compile(r"url\(\s*['\"]?\s*([^'\")\s]*)", re.IGNORECASE)


class _Element:
    """One element: what it holds and refers to, by index and by id."""

    def __init__(self) -> None:
        self.children: list[_Element] = []
        self.references: list[str] = []
        self.takes_rules = False
        self.cost: int | None = None


class _Reader:
    """What expat finds, kept as far as costs depend on it."""

    def __init__(self) -> None:
        self.by_id: dict[str, _Element] = {}
        self.open: list[_Element] = []
        self.root: _Element | None = None
        self._in_style = False
        self._style: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(_SEPARATOR)
        if self.root is None and (namespace, local) != (_SVG, "svg"):
            raise unfit("the picture is XML, but no SVG", "Export it as SVG.")
        if len(self.open) >= _MAX_DEPTH:
            raise unfit(f"the SVG is nested more than {_MAX_DEPTH} deep", "Flatten its groups.")
        element = _Element()
        if namespace == _SVG:
            _check_element(local)
            element.references = list(_references(attributes))
            element.takes_rules = local in _DRAWING
            self._in_style = local == "style"
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)
        self.by_id.setdefault(attributes.get("id", ""), element)

    def end(self, _name: str) -> None:
        self.open.pop()
        self._in_style = False

    def text(self, text: str) -> None:
        if self._in_style:
            self._style.append(text)

    def check(self) -> None:
        """What can be told only once everything was read. Raises RenderError (PICTURE_UNFIT)."""
        rules = list(dict.fromkeys(_check_style("".join(self._style))))
        assert self.root is not None  # expat has found one element at least
        if _Costs(self.by_id, rules).of(self.root, ()) > _MAX_DRAWN:
            raise unfit(f"the SVG draws more than {_MAX_DRAWN:,} things", "Simplify the drawing.")


def check_svg(content: bytes) -> None:
    """Nothing where the SVG may be drawn.

    Raises:
        RenderError: PICTURE_UNFIT: broken, with something that a seal's picture may not hold, or too much to draw.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _check_doctype
    parser.ProcessingInstructionHandler = _refuse_instruction
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        raise unfit(f"the SVG is broken (line {problem.lineno})", "Export the picture again as plain SVG.") from None
    except (ValueError, LookupError):  # an encoding that is none
        raise unfit("the SVG is broken (its encoding)", "Save it in UTF-8.") from None
    reader.check()


def _check_doctype(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
    if has_subset:
        raise unfit("the SVG declares entities", "Export it as plain SVG, without a document type.")


def _refuse_instruction(target: str, _data: str) -> None:
    if target == "xml-stylesheet":
        raise unfit("the SVG fetches a style sheet", "Export it as plain SVG, with its styles inside.")


def _check_element(local: str) -> None:
    if local in _TEXTS:
        raise unfit("the SVG holds text", "Convert texts to paths (Inkscape: Path, Object to Path): fonts differ.")
    if local in _REFUSED:
        raise unfit(f"the SVG holds {_REFUSED[local]} (<{local}>)", "Remove it, or give a PNG.")


def _references(attributes: dict[str, str]) -> Iterator[str]:
    """The ids that an element draws with."""
    for name, value in attributes.items():
        if name.lower().startswith("on"):
            raise unfit(f"the SVG holds a script ({name}=)", "Export it as plain SVG.")
        if name in _HREFS:
            yield _within(value.strip())
        if name == "style":
            _check_style(value)
        yield from (_within(target) for target in _URL.findall(value))


def _check_style(text: str) -> list[str]:
    """The ids that CSS draws with."""
    if "@" in text or "\\" in text:
        raise unfit("the SVG's styles hold rules with @, or escapes", "Export it as plain SVG.")
    return [_within(target) for target in _URL.findall(text)]


def _within(target: str) -> str:
    if not target.startswith("#"):
        raise unfit("the SVG refers to something outside of it", "Embed what it needs, as shapes.")
    return target[1:]


class _Costs:
    """How many elements are drawn for one, every reference followed. Rules of <style> count for every element that they may meet."""

    def __init__(self, by_id: dict[str, _Element], rules: Sequence[str]) -> None:
        self._by_id = by_id
        self._rules = [by_id[name] for name in rules if name in by_id]

    def of(self, element: _Element, above: tuple[_Element, ...]) -> int:
        """`above`: what it is drawn for. Raises RenderError (PICTURE_UNFIT) for circles."""
        if element in above:
            raise unfit("the SVG refers to itself in a circle", "Export the picture again as plain SVG.")
        if len(above) > 2 * _MAX_DEPTH:
            raise unfit("the SVG's references go too deep", "Simplify the drawing.")
        if element.cost is None:
            inside = (*above, element)
            drawn = [*element.children, *(self._by_id[name] for name in element.references if name in self._by_id)]
            if element.takes_rules:
                drawn += [each for each in self._rules if each not in inside]
            element.cost = 1 + sum(self.of(each, inside) for each in drawn)
        return element.cost
