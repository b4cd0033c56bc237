"""The picture of each seal key: drawn from the company's name, or from the files that the configuration names. A seal of GB/T 38540
shows what its maker put into the electronic seal and signed.

Read once, at start. What files hold is judged and drawn by the renderers (`policy_render.picture_drawing`). Not for making seals.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from policy_render.errors import Reason as Unfit
from policy_render.errors import RenderError
from policy_render.seal_appearance import MAX_FILE_BYTES, SealAppearance, round_seal
from signer.cms.der import DerError
from signer.cms.electronic_seal_structure import read_electronic_seal
from signer.documents.seal_config import ElectronicSealConfig, SealConfig
from signer.errors import ConfigurationError, Reason

_log = logging.getLogger(__name__)
DrawPicture = Callable[[bytes], SealAppearance]
_DRAWN_TYPES = {"PNG", "SVG"}


class SealPictures:
    """Ready-made pictures."""

    def __init__(
        self, default: SealAppearance, by_key: Mapping[str, SealAppearance], electronic: SealAppearance | None
    ) -> None:
        """`electronic`: None where no electronic seal is configured, or its picture can't be drawn."""
        self._default = default
        self._by_key = by_key
        self._electronic = electronic

    @classmethod
    def load(cls, config: SealConfig, seal_keys: Collection[str], draw: DrawPicture) -> SealPictures:
        """Reads the files. `seal_keys`: the names of the keys that may have pictures. `draw`: raises RenderError.

        Raises:
            ConfigurationError: START_FAILED: which file, what is wrong with it, and what to do.
            RenderError: a character of the drawn seal; nobody draws.
        """
        for key in config.pictures:
            if key not in seal_keys:
                raise ConfigurationError(
                    Reason.START_FAILED,
                    f"[seal.pictures] {key}: there is no such seal key",
                    f"Seal keys are: {', '.join(sorted(seal_keys)) or 'none'}.",
                )
        by_key = {key: picture_from_file(file, draw) for key, file in config.pictures.items()}
        default = default_picture(config, draw)
        electronic = None if config.electronic is None else _electronic_picture(config.electronic, draw)
        return cls(default, by_key, electronic)

    def of(self, key: str, *, electronic: bool = False) -> SealAppearance:
        """The picture of a seal key, by its name. `electronic`: of a seal of GB/T 38540 with that key."""
        if electronic and self._electronic is not None:
            return self._electronic
        return self._by_key.get(key, self._default)


def default_picture(config: SealConfig, draw: DrawPicture) -> SealAppearance:
    """What keys without a picture of their own show. Raises as `SealPictures.load`."""
    if config.picture is None:
        return round_seal(config.company, caption=config.caption)
    return picture_from_file(config.picture, draw)


def _electronic_picture(config: ElectronicSealConfig, draw: DrawPicture) -> SealAppearance | None:
    """None, and a warning, for a picture that we can't draw: the standard leaves its type to the seal maker.

    Raises:
        ConfigurationError: START_FAILED: no renderer could judge it now; workers would show different pictures until the next start.
    """
    try:
        return electronic_picture(config, draw)
    except (ConfigurationError, RenderError) as problem:
        if isinstance(problem, RenderError) and problem.reason is not Unfit.PICTURE_UNFIT:
            raise ConfigurationError(
                Reason.START_FAILED, f"the picture in {config.file}: {problem.message}", problem.remedy
            ) from None
        _log.warning(
            "seals of GB/T 38540 show the key's picture, not their own",
            extra={"fields": {"file": config.file.name, "problem": problem.message}},
        )
        return None


def electronic_picture(config: ElectronicSealConfig, draw: DrawPicture) -> SealAppearance:
    """What an electronic seal shows.

    Raises:
        ConfigurationError: the file can't be read, or is none, or its picture is of a type that we don't draw.
        RenderError: nobody draws the picture.
    """
    try:
        info = read_electronic_seal(config.load()).info
    except DerError as problem:
        raise ConfigurationError(
            Reason.START_FAILED, f"{config.file}: not an electronic seal ({problem})", "Restore the file."
        ) from None
    if info.picture_type.upper() not in _DRAWN_TYPES:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"{config.file}: its picture is of the type {info.picture_type}",
            f"Have the seal maker use one of {', '.join(sorted(_DRAWN_TYPES))}.",
        )
    return draw(info.picture)


def picture_from_file(file: Path, draw: DrawPicture) -> SealAppearance:
    """Raises ConfigurationError (START_FAILED)."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)  # a larger one is told by one byte more
    except OSError as problem:
        raise ConfigurationError(
            Reason.START_FAILED,
            f"the seal's picture {file}: {problem.strerror}",
            "Put a PNG or SVG there that the appliance's user may read, or leave [seal] picture out for the drawn seal.",
        ) from None
    try:
        return draw(content)
    except RenderError as problem:
        raise ConfigurationError(
            Reason.START_FAILED, f"the seal's picture {file}: {problem.message}", problem.remedy
        ) from None
