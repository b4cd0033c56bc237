"""Every template's sample as a file: pinned bytes, text that comes back, attached data, the marks of PDF/A, the QR code.

Judged by poppler, qpdf, pikepdf and zxing; no full PDF/A validator was at hand.

Threat: T38.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import zxingcpp
from PIL import Image

from policy_render.catalog import Catalog, Template
from policy_render.data_rules import resolve
from policy_render.data_schema import check_data
from policy_render.errors import RenderError
from policy_render.fonts import Fonts
from policy_render.publication import PINNED_URL
from policy_render.renderer_process import Typesetter
from tests.template_data import as_json, leaves

_CATALOG = Catalog.load()
_TEMPLATES = _CATALOG.every()
_AMOUNT = re.compile(r"-?\d+\.\d\d")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T.*)?")
_each = pytest.mark.parametrize("template", _TEMPLATES, ids=lambda template: template.reference)
# evidence packs and drill records print what they say in forms of their own; their tests are in tests/property
_FORMS = [template for template in _TEMPLATES if template.name.split("/")[0] not in {"evidence", "drill"}]
_each_form = pytest.mark.parametrize("template", _FORMS, ids=lambda template: template.reference)


@pytest.fixture(scope="module")
def fonts_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fonts")
    Fonts.load().link_into(directory)
    return directory


@pytest.fixture(scope="module")
def typesetter(fonts_directory: Path) -> Typesetter:
    return Typesetter(_CATALOG, Fonts.load(), fonts_directory)


@dataclass
class Samples:
    """Each sample's rendering, made once."""

    typesetter: Typesetter
    made: dict[str, bytes]

    def of(self, template: Template) -> bytes:
        """The sample's PDF."""
        if template.reference not in self.made:
            self.made[template.reference] = self.render(template, json.loads(template.sample_json))
        return self.made[template.reference]

    def render(self, template: Template, data: dict[str, Any]) -> bytes:
        """A PDF of other data; of the sample, its text as it stands in the file."""
        text = template.sample_json if data == json.loads(template.sample_json) else as_json(data)
        return self.typesetter.render(template.reference, text, draft=False, verification_url=PINNED_URL)[0]


@pytest.fixture(scope="module")
def samples(typesetter: Typesetter) -> Samples:
    return Samples(typesetter, {})


def _text(pdf: bytes) -> str:
    """The text without white space, in the order in which it was written into the page."""
    ended = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return re.sub(r"[\s\u200b]+", "", ended.stdout.decode())


def _printed(data: Any) -> Iterator[str]:
    """Every datum in the form in which it must stand on the page."""
    for value in leaves(data):
        if value in {"policyholder-online", "staff"} or isinstance(value, bool):
            continue  # printed as words
        text = str(value)
        if date := _DATE.fullmatch(text):
            # the end of a period is the midnight before, which a test of its own holds
            if text != "2027-10-01T00:00:00+08:00":
                yield f"{int(date[1])}年{int(date[2])}月{int(date[3])}日"
        elif _AMOUNT.fullmatch(text):
            yield f"{abs(Decimal(text)):,}"  # a negative amount's sign is a word on the page
        else:
            yield re.sub(r"\s+", "", text)


@_each
def test_the_sample_renders_to_the_pinned_bytes(samples: Samples, template: Template) -> None:
    assert hashlib.sha256(samples.of(template)).hexdigest() == template.sample_sha256


@_each_form
def test_every_datum_comes_back_as_text(samples: Samples, template: Template) -> None:
    text = _text(samples.of(template))
    assert [value for value in _printed(json.loads(template.sample_json)) if value not in text] == []
    assert "第1页共" in text


@_each
def test_the_attached_json_is_the_data(samples: Samples, template: Template) -> None:
    with pikepdf.open(io.BytesIO(samples.of(template))) as pdf:
        ((name, attached),) = pdf.attachments.items()
        assert name.endswith(".json")
        assert attached.get_file().read_bytes() == template.sample_json.encode()
        (associated,) = pdf.Root.AF
        assert associated.AFRelationship in {"/Data", "/Source"}


@_each
def test_it_has_the_marks_of_pdf_a_3b(samples: Samples, template: Template, tmp_path: Path) -> None:
    file = tmp_path / "sample.pdf"
    file.write_bytes(samples.of(template))
    subprocess.run(["qpdf", "--check", file], check=True, capture_output=True)
    with pikepdf.open(file) as pdf:
        assert not pdf.is_encrypted
        assert bool(pdf.Root.MarkInfo.Marked)
        assert "/StructTreeRoot" in pdf.Root
        assert str(pdf.Root.Lang).startswith("zh")
        assert not {"/OpenAction", "/AA", "/AcroForm"} & set(pdf.Root.keys())
        assert [str(intent.S) for intent in pdf.Root.OutputIntents] == ["/GTS_PDFA1"]
        metadata = pdf.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "B")
        assert template.title_zh.replace("、", "") in str(metadata["dc:title"]).replace("、", "")
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        assert fonts
        assert all(_embedded(font) for font in fonts)


def _embedded(font: Any) -> bool:
    (descendant,) = font.DescendantFonts
    return bool({"/FontFile2", "/FontFile3"} & set(descendant.FontDescriptor.keys())) and "/ToUnicode" in font


@_each
def test_the_qr_code_names_the_document(samples: Samples, template: Template, tmp_path: Path) -> None:
    (tmp_path / "sample.pdf").write_bytes(samples.of(template))
    subprocess.run(["pdftoppm", "-r", "110", "-png", "-singlefile", "sample.pdf", "page"], cwd=tmp_path, check=True)
    (code,) = zxingcpp.read_barcodes(Image.open(tmp_path / "page.png"))
    assert code.text == f"{PINNED_URL}?n={resolve(json.loads(template.sample_json), template.number)}"


def test_equal_data_gives_equal_bytes_whatever_was_rendered_before(fonts_directory: Path, samples: Samples) -> None:
    other = Samples(Typesetter(_CATALOG, Fonts.load(), fonts_directory), {})
    for template in reversed(_FORMS[::3]):
        assert other.of(template) == samples.of(template)


# Basic plane: URO, Extension A, compatibility; then Extensions B to F in turn, and what the pinned fonts have of G.
_RARE = "䶮㛃㑇䲟﨎𠅤𠮷𡋤𤭢𪚥𪜀𫖯𫝹𫠝𬀩𬭛𬺰𮯙𰻝𰻞"


def _named(data: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Whatever in the data is a person with a name."""
    for key, member in data.items():
        if isinstance(member, dict) and name in member and key != "insurer":
            yield member


@_each_form
def test_rare_characters_in_names_print_and_extract(samples: Samples, template: Template) -> None:
    data = json.loads(template.sample_json)
    persons = list(_named(data, "name"))
    if not persons:  # such as the mark, which names nobody but the insurer
        persons = [data["insurer"]]
    for person in persons:
        person["name"] = _RARE
    check_data(template, as_json(data))
    pdf = samples.render(template, data)
    assert _RARE in _text(pdf)
    assert "HanaMin" in subprocess.run(["pdffonts", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


@_each_form
def test_a_character_that_no_font_has_is_told_with_its_path(samples: Samples, template: Template) -> None:
    data = json.loads(template.sample_json)
    data["insurer"]["name"] = "示例\U00030000公司"  # most of Extension G is beyond the pinned fonts
    with pytest.raises(RenderError) as caught:
        samples.render(template, data)
    (violation,) = caught.value.violations
    assert violation.field == "$.insurer.name"
    assert "U+30000" in violation.description
