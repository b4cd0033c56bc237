"""The demo appliance's electronic seal (GB/T 38540): what a seal maker would hand over. In production a seal maker outside does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policy_render.seal_appearance import round_seal
from policy_render.seal_svg import seal_svg
from signer.algorithms import SignMessage
from signer.cms.electronic_seal import build_electronic_seal
from signer.cms.electronic_seal_structure import ElectronicSealInfo
from signer.config import ApplianceConfig
from signer.keys import KeyVersion

_WIDTH_MM = 40
_VALID = timedelta(days=1825)


def make_demo_seal(
    config: ApplianceConfig, user: KeyVersion, maker: KeyVersion, sign: SignMessage, tell: Callable[[str], None]
) -> None:
    """Makes the seal that the configuration names, where it is missing. `user`: the seal key; `sign`: by the maker's key."""
    electronic = config.seal.electronic
    if electronic is None or electronic.file.exists():
        return
    tell(f"electronic seal: {electronic.file.name} (GB/T 38540-2020)")
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    info = ElectronicSealInfo(
        es_id=secrets.token_hex(12),
        name=config.seal.company,
        picture_type="SVG",
        picture=seal_svg(round_seal(config.seal.company, caption=config.seal.caption)),
        width_mm=_WIDTH_MM,
        height_mm=_WIDTH_MM,
        certificates=[user.certificate_chain[0]],
        created_at=now,
        valid_from=now,
        valid_to=now + _VALID,
        vid="example-seal-maker",
    )
    _write(electronic.file, build_electronic_seal(info, maker.certificate_chain[0], sign))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_bytes(content)
