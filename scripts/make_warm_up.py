"""Makes signer/pades/warm_up: a page with an RSA signature and an SM2 signature, by keys that are gone afterwards, and their roots.

    python scripts/make_warm_up.py

The inspector judges it once before it opens strangers' files. Needs to be made anew only where a way of judging is missing in it.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(_ROOT))

from demo.strangers import strangers_agreement  # noqa: E402 - the path comes first
from signer.pades.pyhanko_sm2 import register_names  # noqa: E402 - as above
from tests.fuzz.sealed_documents import RSA, SM2, new_pki  # noqa: E402 - as above
from tests.fuzz.strangers import SigningOptions, signed_by  # noqa: E402 - as above

_DAYS = (-1, 36_500)


def main() -> None:
    """Writes the three files."""
    register_names()
    pkis = {"rsa": new_pki(RSA, "Warm-up RSA", days=_DAYS), "sm2": new_pki(SM2, "Warm-up SM2", days=_DAYS)}
    signed = signed_by(strangers_agreement(), pkis["rsa"], SigningOptions(reserve=8_192))
    signed = signed_by(signed, pkis["sm2"], SigningOptions(field="Sig2", box=None, reserve=8_192))
    folder = _ROOT / "signer" / "pades" / "warm_up"
    (folder / "anchors").mkdir(parents=True, exist_ok=True)
    (folder / "signed.pdf").write_bytes(signed)
    for name, pki in pkis.items():
        (folder / "anchors" / f"{name}.pem").write_text(ssl.DER_cert_to_PEM_cert(pki.root))


if __name__ == "__main__":
    main()
