"""[seal] and [timestamps] of signer.toml: whose seal, which profile by default, who stamps. Not for seals themselves."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from signer.documents.seal_config import ElectronicSealConfig, SealConfig
from signer.documents.timestamps_config import OutsideAuthorityConfig, OwnAuthorityConfig, TimestampsConfig
from signer.strict_toml import StrictTable

_WITHOUT_TIMESTAMP = "PADES_B"
_WITH_TIMESTAMP = ("PADES_T", "PADES_LT", "PADES_LTA")
# Names met in the field for signatures of GB/T 38540 in PDF; the normative ones (GM/T 0112-2021) could not be read.
_HANDLER, _SUBFILTER = "Gomain.GMPkiLite", "GM.sm2seal"
_NAME = re.compile(r"[A-Za-z0-9.]{1,40}")
# An arc for documentation (ITU-T X.660, 2.999): whoever runs an authority puts the identifier of their own policy there.
_EXAMPLE_POLICY = "2.999.3161.1"
_DOTTED = re.compile(r"[0-2](\.(0|[1-9]\d{0,9})){1,15}")


def read_seal(table: StrictTable, timestamps: TimestampsConfig, *, production: bool) -> SealConfig:
    """In production seals have timestamps unless a request says otherwise. Raises ConfigurationError."""
    default = _WITH_TIMESTAMP[0] if production else _WITHOUT_TIMESTAMP
    profile = table.string("default_profile", default, one_of=(_WITHOUT_TIMESTAMP, *_WITH_TIMESTAMP, "GBT_38540"))
    if production and profile not in _WITH_TIMESTAMP:
        raise table.fault("default_profile", f"{profile} has no timestamp", "Use PADES_T or higher.")
    if profile in _WITH_TIMESTAMP and timestamps.outside is None and not (timestamps.own and timestamps.own_suffices):
        raise table.fault(
            "default_profile",
            f"{profile} needs a timestamp authority",
            "Give [timestamps] url: in production our own is never the only proof of time.",
        )
    if profile in _WITH_TIMESTAMP[1:] and not table.has("crl_directory"):
        raise table.fault(None, f"{profile} needs revocation lists", "Give [seal] crl_directory.")
    config = SealConfig(
        company=table.string("company"),
        caption=table.string("caption", "电子保单专用章"),
        default_key=table.string("default_key", "seal-sm2"),
        default_profile=profile,
        electronic=_read_electronic(table.table("electronic")) if table.has("electronic") else None,
        crl_directory=table.path("crl_directory") if table.has("crl_directory") else None,
        picture=table.path("picture") if table.has("picture") else None,
        pictures=_read_pictures(table.table("pictures", required=False)),
    )
    table.finish()
    return config


def _read_pictures(table: StrictTable) -> dict[str, Path]:
    # Keys' names are free; whether there are such keys is known once the token and the registry are open.
    return {key: (table.folder / name).resolve() for key, name in table.remaining_strings().items()}


def _read_electronic(table: StrictTable) -> ElectronicSealConfig:
    config = ElectronicSealConfig(
        table.path("file"), table.string("filter", _HANDLER), table.string("sub_filter", _SUBFILTER)
    )
    for key, value in (("filter", config.handler), ("sub_filter", config.subfilter)):
        if not _NAME.fullmatch(value):
            raise table.fault(key, f"{value!r} is not a name", "Use letters, digits and points.")
    if not config.subfilter.startswith("GM."):
        raise table.fault(
            "sub_filter", f"{config.subfilter!r} does not begin with GM.", "Other names mean other formats."
        )
    table.finish()
    return config


def read_timestamps(table: StrictTable, *, production: bool) -> TimestampsConfig:
    """Raises ConfigurationError."""
    own = None
    keys = table.strings("keys", ())
    if keys:
        policy = table.string("policy", _EXAMPLE_POLICY)
        if not _DOTTED.fullmatch(policy):
            raise table.fault(
                "policy", f"{policy!r} is not an object identifier", "Write it with points, e.g. 1.2.156.…"
            )
        own = OwnAuthorityConfig(tuple(keys), policy, table.integer("accuracy_ms", 500, low=1, high=999))
    outside = _read_outside(table) if table.has("url") else None
    table.finish()
    return TimestampsConfig(own, outside, own_suffices=not production)


def _read_outside(table: StrictTable) -> OutsideAuthorityConfig:
    url = table.string("url")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise table.fault("url", f"{url!r} must begin with http:// or https://")
    return OutsideAuthorityConfig(
        url,
        table.path("anchors"),
        table.path("tls_authority") if table.has("tls_authority") else None,
        table.string("imprint", "sha256", one_of=("sha256", "sha384", "sha512", "sm3")),
        float(table.integer("seconds", 5, low=1, high=60)),
    )
