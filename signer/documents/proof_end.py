"""When a sealed document stops proving itself: the outermost certificate's expiry. Renewal has to come before that.

Not for algorithms that weaken: those are the operator's to watch, and are renewed in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signer.certificates import Certificate
from signer.cms.der import DerError
from signer.cms.electronic_seal_structure import read_seal_signature
from signer.cms.signer_info import read_signed_data
from signer.cms.verify import signer_certificate


def proof_end(seals: Sequence[bytes], document_timestamp: bytes | None = None) -> datetime:
    """`seals`: what stands in the seals' gaps, CMS or SES_Signature; `document_timestamp`: the last one's token; DER.

    A timestamp takes over from what it stamps; of several seals the first that ends counts. Raises DerError.
    """
    if document_timestamp is not None:
        return signer_certificate(read_signed_data(document_timestamp)).not_after
    return min(_end_of_seal(seal) for seal in seals)


def _end_of_seal(seal: bytes) -> datetime:
    try:
        return Certificate.load(read_seal_signature(seal).signer_certificate).not_after
    except DerError:
        read = read_signed_data(seal)
    token = read.signer.signature_timestamp
    return signer_certificate(read if token is None else read_signed_data(token)).not_after
