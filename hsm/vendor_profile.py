"""What differs between HSM vendors, as data: profiles/<vendor>.toml. Code only where data can't say it.

A profile says by which number SM2 is done, how e goes in and r, s come out, and how a development token is told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm.errors import HsmError, Reason

_PROFILES = Path(__file__).parent / "profiles"
_VENDOR_DEFINED = 0x8000_0000  # CKM_VENDOR_DEFINED, PKCS#11 2.40


@dataclass(frozen=True)
class Sm2Mechanisms:
    """`sign`: the mechanism that takes e. `output`: "raw" (r ‖ s) or "der". `generate`: key pair generation."""

    sign: int
    generate: int
    output: str


@dataclass(frozen=True)
class VendorProfile:
    """`development_models`: CK_TOKEN_INFO models (blanks trimmed) of tokens that production refuses."""

    name: str
    title: str
    sm2: Sm2Mechanisms | None
    development_models: tuple[str, ...]


def profile_names() -> list[str]:
    """The profiles that exist."""
    return sorted(file.stem for file in _PROFILES.glob("*.toml"))


def load_profile(name: str, folder: Path = _PROFILES) -> VendorProfile:
    """Reads a profile strictly.

    Raises:
        HsmError: CONFIGURATION; says which file, which key, and what is allowed.
    """
    file = folder / f"{name}.toml"
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HsmError(
            Reason.CONFIGURATION, f"there is no vendor profile {name!r}", f"Allowed: {', '.join(profile_names())}."
        ) from None
    except ValueError as problem:
        raise HsmError(Reason.CONFIGURATION, f"{file.name}: not valid TOML: {problem}") from None
    _allow(file, values, {"title", "sm2", "development_models"})
    sm2 = values.get("sm2")
    models = values.get("development_models", [])
    if not isinstance(values.get("title"), str) or not all(isinstance(model, str) for model in models):
        raise HsmError(Reason.CONFIGURATION, f"{file.name}: title must be a string, development_models strings")
    return VendorProfile(
        name=name, title=values["title"], sm2=None if sm2 is None else _sm2(file, sm2), development_models=tuple(models)
    )


def _sm2(file: Path, values: Mapping[str, Any]) -> Sm2Mechanisms:
    _allow(file, values, {"sign", "generate", "input", "output"})
    numbers = [values.get("sign"), values.get("generate")]
    if not all(isinstance(number, int) and _VENDOR_DEFINED <= number < 1 << 32 for number in numbers):
        raise HsmError(Reason.CONFIGURATION, f"{file.name}: sm2.sign and sm2.generate must be vendor mechanism numbers")
    if values.get("input") != "e":
        raise HsmError(Reason.CONFIGURATION, f'{file.name}: sm2.input must be "e": we compute SM3(Z ‖ M) ourselves')
    if values.get("output") not in {"raw", "der"}:
        raise HsmError(Reason.CONFIGURATION, f'{file.name}: sm2.output must be "raw" or "der"')
    return Sm2Mechanisms(sign=values["sign"], generate=values["generate"], output=values["output"])


def _allow(file: Path, values: Mapping[str, Any], allowed: set[str]) -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise HsmError(
            Reason.CONFIGURATION,
            f"{file.name}: {', '.join(unknown)}: not known here",
            f"Allowed: {', '.join(sorted(allowed))}.",
        )
