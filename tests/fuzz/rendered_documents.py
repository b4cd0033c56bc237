"""Small PDF/A-3b documents made by Typst itself, for tests that need a rendered PDF but no particular content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import typst

from policy_render.qr import verification_qr

_SOURCE = """
#set document(title: "Motor policy", author: "Example Insurance", date: datetime(
  year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5))
#set page(paper: "a4"{page})
#set text(lang: "en", font: "Libertinus Serif")
{body}
"""


@cache
def rendered(pages: int = 2, *, page: str = "", link: bool = False, attachment: bool = True) -> bytes:
    """A document of that many pages. `page`: further settings of Typst's page; `link`: with an annotation on each."""
    text = '#link("https://example.cn/v")[verify]' if link else "Insured: N. N."
    body = "\n#pagebreak()\n".join(f"= Page {number}\n{text}" for number in range(1, pages + 1))
    if attachment:
        listed = ", ".join(str(byte) for byte in b'{"policy": "P-1"}')
        about = 'relationship: "source", mime-type: "application/json", description: "data"'
        body += f'\n#pdf.attach("policy.json", bytes(({listed},)), {about})'
    source = _SOURCE.format(page=page, body=body)
    pdf: bytes = typst.compile(source.encode(), pdf_standards=["a-3b"], ignore_system_fonts=True)
    return pdf


@cache
def rendered_with_code(number: str) -> bytes:
    """Two pages with sums of money, a QR code, a link and attached data, as a policy has them."""
    code = verification_qr("https://example.cn/v", number).replace('"', '\\"').replace("\n", "")
    listed = ", ".join(str(byte) for byte in f'{{"policy": "{number}", "sum_insured": "1000000.00"}}'.encode())
    about = 'relationship: "source", mime-type: "application/json", description: "data"'
    body = (
        f"= Policy {number}\nSum insured 1,000,000.00. Premium 4,321.00.\n"
        f'#image(bytes("{code}"), format: "svg", width: 80pt)\n'
        f'#link("https://example.cn/v")[verify]\n#pagebreak()\n= Terms\nExcess 500.00, none for glass.\n'
        f'#pdf.attach("policy.json", bytes(({listed},)), {about})'
    )
    source = _SOURCE.format(page="", body=body)
    pdf: bytes = typst.compile(source.encode(), pdf_standards=["a-3b"], ignore_system_fonts=True)
    return pdf


@dataclass(frozen=True)
class DrawnSeal:
    """A picture of a seal in the form that the embedder takes: a red ring with a bar."""

    content: bytes = b"q 0.8 0.1 0.1 RG 4 w 5 5 90 90 re S 0.8 0.1 0.1 rg 30 45 40 10 re f Q\n"
    bbox: tuple[float, float, float, float] = (0, 0, 100, 100)
    resources: bytes = b"<<>>"
    objects: tuple[bytes, ...] = ()
