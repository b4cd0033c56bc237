"""The picture of each seal key: drawn from the company's name, or from the files that the configuration names.

Read once, at start. What files hold is judged and drawn by the renderers (`policy_render.picture_drawing`). Not for pictures in electronic
seals (GB/T 38540): a seal maker signs those.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from policy_render.errors import RenderError
from policy_render.seal_appearance import MAX_FILE_BYTES, SealAppearance, round_seal
from signer.documents.seal_config import SealConfig
from signer.errors import ConfigurationError, Reason

DrawPicture = Callable[[bytes], SealAppearance]


class SealPictures:
    """Ready-made pictures."""

    def __init__(self, default: SealAppearance, by_key: Mapping[str, SealAppearance]) -> None:
        self._default = default
        self._by_key = by_key

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
        if config.picture is not None:
            return cls(picture_from_file(config.picture, draw), by_key)
        return cls(round_seal(config.company, caption=config.caption), by_key)

    def of(self, key: str) -> SealAppearance:
        """The picture of a seal key, by its name."""
        return self._by_key.get(key, self._default)


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
