"""The QR code that leads to the verification page, as SVG. Says where to verify and which document; proves nothing by itself."""

from __future__ import annotations

from urllib.parse import quote

import zxingcpp


def verification_qr(verification_url: str, number: str) -> str:
    """An SVG of the address with the document's number. The same for the same arguments."""
    barcode = zxingcpp.create_barcode(address(verification_url, number), zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    svg: str = zxingcpp.write_barcode_to_svg(barcode, add_quiet_zones=False)
    return svg


def address(verification_url: str, number: str) -> str:
    """What the code says."""
    return f"{verification_url}?n={quote(number, safe='')}"
