"""Documents at rest: the files, the catalogue with its idempotent reservations, the issue register."""

from signer.archive.blobs import BlobDirectory, BlobDirectoryConfig
from signer.archive.catalogue import Catalogue, ReleasedDocument, Reservation

__all__ = ["BlobDirectory", "BlobDirectoryConfig", "Catalogue", "ReleasedDocument", "Reservation"]
