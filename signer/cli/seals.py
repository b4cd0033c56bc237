"""`signer seals preview`: how seals will look, from the configuration or from a picture alone: no appliance, no key, no signature.

Not for sealing: `seal`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policy_render.errors import RenderError
from policy_render.picture_drawing import draw_picture
from policy_render.seal_appearance import SealAppearance
from policy_render.seal_sheet import ROOM_MM, SheetRow, place, seal_sheet
from signer.cli.arguments import Commands, add_command
from signer.cli.output import ExitStatus, LocalError, say
from signer.config import load_config
from signer.documents.seal_config import ElectronicSealConfig
from signer.documents.seal_pictures import default_picture, electronic_picture, picture_from_file
from signer.errors import ConfigurationError
from signer.pades.embed import BoxPlace, prepare

_EXAMPLES = """\
  signer seals preview --config signer.toml --out seals.png
  signer seals preview --picture new-seal.svg --out new-seal.png --width 58"""
_DOTS_PER_INCH = "150"
# Something that is no signature where one would be; the file in which it stands is thrown away.
_NO_SIGNATURE = b"\x05\x00"


@dataclass(frozen=True)
class _Seal:
    """`source`: the file's name, None for the drawn seal. `note`: what is to be said besides."""

    title: str
    source: Path | None
    appearance: SealAppearance
    note: str = ""


def add_commands(commands: Commands) -> None:
    """Adds `seals` with its verbs."""
    verbs = commands.add_parser("seals", help="印章 · pictures of seals").add_subparsers(dest="verb", required=True)
    parser = add_command(verbs, "preview", "预览印章 · draw the seals as they will be stamped", _EXAMPLES)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--config", type=Path, metavar="FILE", help="signer.toml: the default seal and those of single keys"
    )
    wanted.add_argument("--picture", type=Path, metavar="FILE", help="a PNG or SVG that is not configured yet")
    parser.add_argument(
        "--out",
        type=_png_name,
        required=True,
        metavar="FILE.png",
        help="where the picture goes (needs poppler's pdftoppm)",
    )
    parser.add_argument("--width", type=_width, default=40.0, metavar="MM", help="of the seals (default: 40)")
    parser.set_defaults(run=_preview)


def _width(text: str) -> float:
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not 5 <= width <= ROOM_MM:
        raise argparse.ArgumentTypeError(f"millimetres from 5 to {ROOM_MM:g}, not {text!r}")
    return width


def _png_name(text: str) -> Path:
    if not text.endswith(".png"):
        raise argparse.ArgumentTypeError(f"a name that ends in .png, not {text!r}")
    return Path(text)


def _preview(options: argparse.Namespace) -> ExitStatus:
    seals = list(_seals(options))
    widths = [min(options.width, ROOM_MM / seal.appearance.height_to_width) for seal in seals]
    sheet = seal_sheet(
        [SheetRow(seal.title, tuple(_about(seal, width))) for seal, width in zip(seals, widths, strict=True)]
    )
    places = [BoxPlace(*place(row), width) for row, width in enumerate(widths)]
    pictured = prepare(
        sheet,
        signer_name="预览 preview",
        signed_at=datetime.now(UTC),
        beside=[(seal.appearance, at) for seal, at in zip(seals, places, strict=True)],
    ).fill(_NO_SIGNATURE)
    files = _draw(pictured, options.out)
    rows = [
        {
            "seal": seal.title,
            "picture": None if seal.source is None else str(seal.source),
            "added_kib": round(seal.appearance.added_bytes / 1024, 1),
        }
        for seal in seals
    ]
    say(
        options,
        {"seals": rows, "files": files},
        [
            f"印章预览 seals → {', '.join(files)}",
            *(f"  {seal.title}: {'; '.join(_about(seal, width))}" for seal, width in zip(seals, widths, strict=True)),
        ],
    )
    return ExitStatus.OK


def _seals(options: argparse.Namespace) -> Iterator[_Seal]:
    if options.picture is not None:
        yield _Seal("图样 picture", options.picture, picture_from_file(options.picture, draw_picture))
        return
    config = load_config(options.config).seal
    drawn = default_picture(config, draw_picture)
    yield _Seal("默认印章 every other key", config.picture, drawn)
    for key, file in config.pictures.items():
        yield _Seal(f"密钥 key {key}", file, picture_from_file(file, draw_picture))
    if config.electronic is not None:
        yield _electronic(config.electronic, drawn)


def _electronic(config: ElectronicSealConfig, otherwise: SealAppearance) -> _Seal:
    title = "电子印章 electronic seal (GB/T 38540)"
    try:
        return _Seal(title, config.file, electronic_picture(config, draw_picture))
    except (ConfigurationError, RenderError) as problem:
        note = f"其图样不能绘制，显示密钥的印章 its own picture can't be drawn, the key's shows: {problem.message}"
        return _Seal(title, None, otherwise, note)


def _about(seal: _Seal, width: float) -> Iterator[str]:
    if seal.note:
        yield seal.note
    yield "按名称绘制 drawn from the company's name" if seal.source is None else f"文件 file: {seal.source.name}"
    yield f"尺寸 size: {width:.4g} × {width * seal.appearance.height_to_width:.4g} mm"
    yield f"每份文件增加 each document grows by {seal.appearance.added_bytes / 1024:.1f} KiB"


def _draw(pdf: bytes, out: Path) -> list[str]:
    """The pages as PNG files; the names."""
    program = shutil.which("pdftoppm")
    if program is None:
        raise LocalError("there is no pdftoppm to draw with: install poppler-utils")
    with tempfile.TemporaryDirectory(prefix="signer-seals-") as directory:
        folder = Path(directory)
        (folder / "seals.pdf").write_bytes(pdf)
        subprocess.run(  # noqa: S603 - a fixed program with names of our own
            [program, "-r", _DOTS_PER_INCH, "-png", folder / "seals.pdf", folder / "page"],
            check=True,
            capture_output=True,
        )
        pages = sorted(folder.glob("page-*.png"))
        names = [out if number == 0 else out.with_stem(f"{out.stem}-{number + 1}") for number in range(len(pages))]
        try:
            for page, name in zip(pages, names, strict=True):
                name.write_bytes(page.read_bytes())
        except OSError as problem:
            raise LocalError(f"{out}: can't be written ({problem.strerror})") from None
    return [str(name) for name in names]
