"""A renderer's process: Typst, the templates and the fonts, in a sandbox without network, programs or files beyond those.

`python -m policy_render.renderer_process`, started by the supervisor with a shared listening socket. One request at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

from isolation.pool import serve_pool
from isolation.process_table import PROCESSES
from isolation.readiness import say_ready
from isolation.sandbox import SandboxReport, enter_sandbox, forbid_dumps_and_privileges
from policy_render.catalog import TEMPLATES, Catalog, Template
from policy_render.data_rules import resolve
from policy_render.data_schema import MAX_DATA_BYTES
from policy_render.errors import Reason, RenderError
from policy_render.fonts import Fonts
from policy_render.picture_drawing import draw_picture
from policy_render.qr import verification_qr
from policy_render.seal_appearance import MAX_FILE_BYTES

# A renderer lives long, so its processor time is not limited; one document's is. The largest data that the schema lets through
# takes a few seconds.
_WALL_SECONDS = 60.0
# As large as a main thread's. Typst asks how much of its thread's stack is left, and for a main thread glibc looks that up in
# /proc/self/maps, which the sandbox hides: Typst then takes a new stack at every step down, a sixth of a small document's time.
_STACK_BYTES = 8 * 1024 * 1024


class Typesetter:
    """Compilers of all templates, made once; each keeps its parsed source and fonts."""

    def __init__(self, catalog: Catalog, fonts: Fonts, fonts_directory: Path) -> None:
        """`fonts_directory`: holds links to the pinned files and nothing else (`Fonts.link_into`)."""
        self._catalog = catalog
        self._fonts = fonts
        self._typst_fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts_directory)]
        )
        self._compilers: dict[str, Any] = {}

    def warm_up(self) -> None:
        """Renders the samples of policies, so that fonts and look are at hand for whatever is asked first.

        The other templates' sources are read with their first document, which costs it some ten milliseconds.
        """
        for template in (one for one in self._catalog.current() if one.name.startswith("policy/")):
            self.render(template.reference, template.sample_json, draft=False, verification_url="https://localhost/v")

    def render(self, reference: str, data_json: str, *, draft: bool, verification_url: str) -> tuple[bytes, int]:
        """PDF/A-3b (ISO 19005-3) and page count. The same arguments give the same bytes.

        Raises:
            RenderError: TEMPLATE_UNKNOWN, CHARACTER_NOT_PRINTABLE, RENDERING_FAILED.
        """
        template = self._catalog.get(reference)
        data = json.loads(data_json)
        self._fonts.check_printable(data)
        number = resolve(data, template.number)
        confirmed_at = datetime.fromisoformat(resolve(data, template.confirmed_at))
        inputs = {
            "data": data_json,
            "draft": "yes" if draft else "",
            "qr": verification_qr(verification_url, number),
            "fonts": json.dumps(self._fonts.families),
        }
        pdf = self._compile(template, inputs, int(confirmed_at.timestamp()))
        return pdf, _page_count(pdf)

    def _compile(self, template: Template, inputs: dict[str, str], timestamp: int) -> bytes:
        try:
            pdf: bytes = self._compiler(template).compile(
                format="pdf", sys_inputs=inputs, pdf_standards="a-3b", timestamp=timestamp
            )
        except typst.TypstError as problem:
            # The template's place and the compiler's words; our templates never print data into an error.
            _say("error", f"{template.reference} does not compile: {problem.diagnostic}")
            raise RenderError(
                Reason.RENDERING_FAILED,
                "the template can't be rendered with this data",
                "Report it with the data; the renderer's log names the place.",
            ) from None
        return pdf

    def _compiler(self, template: Template) -> Any:
        if template.reference not in self._compilers:
            self._compilers[template.reference] = typst.Compiler(
                str(template.folder / "main.typ"),
                root=str(template.root),
                font_paths=self._typst_fonts,
                ignore_system_fonts=True,
            )
        return self._compilers[template.reference]


def _page_count(pdf: bytes) -> int:
    """The root of Typst's page tree counts the most."""
    return max(int(count) for count in re.findall(rb"/Type/Pages/Count (\d+)", pdf))


def answer(typesetter: Typesetter, request: bytes) -> bytes:
    """One request: 4-byte length of a JSON header, header, data or a picture. The answer likewise: header, PDF or the drawn picture."""
    (length,) = struct.unpack_from(">I", request)
    header = json.loads(request[4 : 4 + length])
    content = request[4 + length :]
    try:
        if "picture" in header:
            return _pack({}, draw_picture(content).to_json().encode("ascii"))
        pdf, pages = typesetter.render(
            header["template"],
            content.decode("utf-8"),
            draft=header["draft"],
            verification_url=header["verification_url"],
        )
    except RenderError as problem:
        return _pack(
            {
                "reason": problem.reason.value,
                "message": problem.message,
                "remedy": problem.remedy,
                "violations": [[item.field, item.description] for item in problem.violations],
            }
        )
    return _pack({"pages": pages}, pdf)


def _pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack(">I", len(text)) + text + payload


def _say(level: str, message: str) -> None:
    sys.stderr.write(json.dumps({"level": level, "logger": "policy_render", "message": message}) + "\n")


def _serve(typesetter: Typesetter, options: argparse.Namespace, report: SandboxReport) -> None:
    """All that Typst does happens in the thread that calls this."""
    typesetter.warm_up()
    say_ready(options.ready_fd, report)
    serve_pool(
        socket.socket(fileno=options.listen_fd),
        lambda request: answer(typesetter, request),
        limit=max(MAX_DATA_BYTES, MAX_FILE_BYTES) + 64 * 1024,
        wall_seconds=_WALL_SECONDS,
    )


def main() -> int:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fonts-directory", type=Path, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    forbid_dumps_and_privileges()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    try:
        fonts = Fonts.load()
        fonts.link_into(options.fonts_directory)
        catalog = Catalog.load()
    except RenderError as problem:
        _say("error", str(problem))
        return 1
    python = [Path(sys.prefix), Path(sys.base_prefix), Path("/usr/lib"), Path("/usr/share/zoneinfo")]
    readable = [TEMPLATES, options.fonts_directory, *fonts.files, *python]
    report = enter_sandbox(
        readable=[path for path in readable if path.exists()],
        limits=PROCESSES["renderer"].limits,
    )
    if not (report.system_calls_filtered and report.landlock_abi):
        _say("warning", f"this kernel restricts renderers only in part: {report}")
    threading.stack_size(_STACK_BYTES)
    serving = threading.Thread(
        target=_serve, args=(Typesetter(catalog, fonts, options.fonts_directory), options, report), name="typesetter"
    )
    serving.start()
    serving.join()
    return 1  # it serves until the process is ended from outside: what it met is told by now


if __name__ == "__main__":
    sys.exit(main())
