"""Documents at rest: the files, the catalogue with its idempotent reservations, the issue register."""

from signer.archive.blobs import BlobDirectory, BlobDirectoryConfig
from signer.archive.catalogue import BytesReleasedBefore, Catalogue, ReleasedDocument, Reservation

__all__ = [
    "BlobDirectory",
    "BlobDirectoryConfig",
    "BytesReleasedBefore",
    "Catalogue",
    "ReleasedDocument",
    "Reservation",
]
