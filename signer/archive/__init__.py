"""Documents at rest: the files, the catalogue with its idempotent reservations, the issue register."""
