"""Who attacks: a signer whom nobody trusts, under the insurer's name."""

from __future__ import annotations

from functools import cache

from tests.fuzz.sealed_documents import RSA, SM2, Pki, new_pki


@cache
def attacker(*, sm2: bool = False) -> Pki:
    """Keys and certificates, made once in a process."""
    return new_pki(SM2 if sm2 else RSA, "Example Insurance")
