"""One grant: a client, and the RPCs, keys and templates that it may use. Parsed, not yet checked against what exists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """What one client may do.

    `rpcs`: "Service/Method" names. `keys` and `templates`: names without versions. `digest_signing`: may have digests
    signed that we did not compute ourselves; apart, since whoever may do this decides what the signature means.
    """

    client: str
    rpcs: frozenset[str]
    keys: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    digest_signing: bool = False
