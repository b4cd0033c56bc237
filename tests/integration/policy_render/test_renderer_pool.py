"""The renderer pool as the appliance runs it: real processes on one socket, their sandbox, their deaths, their bytes."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from isolation.frames import receive_frame, send_frame
from policy_render.catalog import Catalog
from policy_render.data_rules import amount_in_capitals
from policy_render.data_schema import DocumentData, check_data
from policy_render.errors import Reason, RenderError
from policy_render.picture_drawing import draw_picture
from policy_render.renderer import RenderedDocument, Renderer
from policy_render.renderer_config import RendererConfig
from signer.app.child_process import Child, ChildSpec, listen_on
from tests.open_descriptors import open_descriptors
from tests.seal_picture_files import oval_svg, png, ring

_TEMPLATE = Catalog.load().get("policy/commercial@1")
_PINNED_URL = "https://verify.example.cn/v"  # what scripts/pin_template.py renders the samples with


class Pool:
    """Renderer processes, started and watched as the supervisor does."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "renderer.socket"
        self.listener = listen_on(self.socket)
        self._fonts = directory / "fonts"
        self.children: list[Child] = []
        self.renderer = Renderer.from_config(RendererConfig(self.socket, _PINNED_URL))

    def start(self, count: int) -> None:
        """Starts processes and waits until they are ready."""
        specification = ChildSpec(
            "renderer",
            ("policy_render.renderer_process", "--fonts-directory", str(self._fonts)),
            listener=self.listener,
            environment={"RAYON_NUM_THREADS": "1"},
        )
        started = [Child(specification) for _ in range(count)]
        self.children += started
        until = time.monotonic() + 60
        while not all(child.poll_ready() for child in started):
            assert time.monotonic() < until, "renderers did not get ready"
            assert all(child.poll_exit() is None for child in started)
            time.sleep(0.02)

    def render(self, data: DocumentData, *, draft: bool = False, timeout: float = 60) -> RenderedDocument:
        """As the workers ask."""
        return self.renderer.render(_TEMPLATE, data, draft=draft, timeout=timeout)

    def stop(self) -> None:
        """Ends all."""
        self.listener.close()
        for child in self.children:
            child.signal(signal.SIGKILL)
            child.wait(10)
            child.close()


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Two processes that no test may harm."""
    made = Pool(tmp_path_factory.mktemp("renderers"))
    try:
        made.start(2)
        yield made
    finally:
        made.stop()


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Pool]:
    """A pool for tests that kill; they start what they need."""
    made = Pool(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def _sample(**changes: Any) -> DocumentData:
    return check_data(_TEMPLATE, json.dumps({**json.loads(_TEMPLATE.sample_json), **changes}, ensure_ascii=False))


def _heavy() -> DocumentData:
    """Renders for a second or more."""
    coverage = {"name": "W" * 200, "limit_text": "W" * 200, "deductible": "W" * 200, "premium": "1.00"}
    return _sample(
        coverages=[coverage] * 100,
        premium={"total": "100.00", "total_capitals": amount_in_capitals("100.00")},
        special_agreements=["，" * 2000] * 100,
    )


def _text(pdf: bytes) -> str:
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


def test_a_document_is_set_on_the_stack_that_is_there(pool: Pool) -> None:
    """Typst takes new stacks, page by page from the kernel, where it can't find out how large its thread's is: in the sandbox's main
    thread. That made four times the page faults.
    """
    mark = Catalog.load().get("mark/compulsory@1")
    data = check_data(mark, mark.sample_json)
    for _ in range(8):
        pool.renderer.render(mark, data, draft=False, timeout=60)
    before = _page_faults(pool)
    for _ in range(40):
        pool.renderer.render(mark, data, draft=False, timeout=60)
    assert (_page_faults(pool) - before) / 40 < 150


def _page_faults(pool: Pool) -> int:
    """Minor ones of all its processes; proc(5)."""
    return sum(int(_stat(child.pid)[7]) for child in pool.children)


def test_the_sample_renders_to_the_published_bytes_in_every_process(pool: Pool) -> None:
    data = check_data(_TEMPLATE, _TEMPLATE.sample_json)
    with ThreadPoolExecutor(4) as threads:
        rendered = list(threads.map(lambda _: pool.render(data), range(12)))
    assert {hashlib.sha256(document.pdf).hexdigest() for document in rendered} == {_TEMPLATE.sample_sha256}
    assert {document.pages for document in rendered} == {1}
    assert all(_processor_ticks(child.pid) > 0 for child in pool.children)


def test_every_published_version_renders_to_its_manifests_digest(pool: Pool) -> None:
    for template in Catalog.load().current():
        data = check_data(template, template.sample_json)
        pdf = pool.renderer.render(template, data, draft=False, timeout=60).pdf
        assert hashlib.sha256(pdf).hexdigest() == template.sample_sha256


def test_another_address_for_verification_is_another_document(pool: Pool) -> None:
    elsewhere = Renderer.from_config(RendererConfig(pool.socket, "https://elsewhere.example.cn/v"))
    data = check_data(_TEMPLATE, _TEMPLATE.sample_json)
    assert elsewhere.render(_TEMPLATE, data, draft=False, timeout=60).pdf != pool.render(data).pdf


def test_a_draft_says_so_and_the_real_thing_does_not(pool: Pool) -> None:
    draft, real = _text(pool.render(_sample(), draft=True).pdf), _text(pool.render(_sample()).pdf)
    assert "DRAFT" in draft
    assert "未签章，不作为保险凭证" in draft
    assert "DRAFT" not in real
    assert "草稿" not in real


def test_pages_are_counted(pool: Pool, tmp_path: Path) -> None:
    document = pool.render(_sample(special_agreements=["长" * 2000] * 10))
    (tmp_path / "long.pdf").write_bytes(document.pdf)
    counted = subprocess.run(["qpdf", "--show-npages", tmp_path / "long.pdf"], capture_output=True, check=True)
    assert document.pages == int(counted.stdout) > 1


def test_a_pdf_has_the_shape_that_sealing_needs(pool: Pool) -> None:
    pdf = pool.render(_sample()).pdf
    assert pdf.startswith(b"%PDF-1.7")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert pdf.count(b"startxref") == 1
    assert b"\nxref\n" in pdf
    for absent in (b"/AcroForm", b"/Annots", b"/Encrypt", b"/ObjStm", b"/JavaScript", b"/Launch", b"/URI"):
        assert absent not in pdf


def test_the_creation_date_is_the_moment_of_confirmation(pool: Pool) -> None:
    shanghai = pool.render(_sample()).pdf
    policy = {**json.loads(_TEMPLATE.sample_json)["policy"], "confirmed_at": "2026-09-30T07:42:18+00:00"}
    assert b"(D:20260930074218Z)" in shanghai
    assert b"(D:20260930074218Z)" in pool.render(_sample(policy=policy)).pdf


@pytest.mark.parametrize("character", ["\u202e", "\U0001fae0", "\ufe0f"])
def test_an_unprintable_character_is_told_with_its_place(pool: Pool, character: str) -> None:
    insured = {**json.loads(_TEMPLATE.sample_json)["insured"], "name": "张" + character}
    failures = _failures(Reason.CHARACTER_NOT_PRINTABLE)
    with pytest.raises(RenderError) as caught:
        pool.render(_sample(insured=insured))
    assert caught.value.reason is Reason.CHARACTER_NOT_PRINTABLE
    (violation,) = caught.value.violations
    assert violation.field == "$.insured.name"
    assert f"U+{ord(character):04X}" in violation.description
    assert _failures(Reason.CHARACTER_NOT_PRINTABLE) == failures + 1


def _failures(reason: Reason) -> float:
    return REGISTRY.get_sample_value("signer_render_failures_total", {"reason": reason.value}) or 0.0


def test_processes_are_locked_in(pool: Pool) -> None:
    for child in pool.children:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines() if ":\t" in line
        )
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        assert "Max file size             0                    0" in limits
        assert "Max core file size        0                    0" in limits
        _eventually(partial(_has_only_its_listener, child.pid))


def test_nonsense_costs_its_sender_only(pool: Pool) -> None:
    for nonsense in (b"", b"\0\0\0\x10{}", b"\xff" * 100):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(pool.socket))
            connection.sendall(nonsense[:3])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(pool.socket))
        header = json.dumps({"template": "policy/none@1", "draft": False, "verification_url": _PINNED_URL}).encode()
        send_frame(connection, len(header).to_bytes(4, "big") + header + b"{}")
        assert b"template-unknown" in receive_frame(connection, limit=10_000)
    assert pool.render(_sample()).pages == 1
    assert all(child.poll_exit() is None for child in pool.children)


def test_a_renderer_killed_over_a_document_is_made_good_by_another(fragile: Pool) -> None:
    fragile.start(2)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(fragile.render, _heavy())
        _kill(_busy(fragile.children))
        assert asked.result().pages > 50
    assert len([child for child in fragile.children if child.poll_exit() is None]) == 1


def test_a_document_that_ends_two_renderers_is_not_tried_on_a_third(fragile: Pool) -> None:
    fragile.start(3)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(fragile.render, _heavy())
        first = _busy(fragile.children)
        _kill(first)
        _kill(_busy([child for child in fragile.children if child is not first]))
        with pytest.raises(RenderError) as caught:
            asked.result()
    assert caught.value.reason is Reason.RENDERING_FAILED
    assert fragile.render(_sample()).pages == 1


def test_no_process_in_time_and_no_pool_at_all(fragile: Pool) -> None:
    with pytest.raises(RenderError) as caught:
        fragile.render(_sample(), timeout=0.2)
    assert caught.value.reason is Reason.RENDERER_TIMEOUT
    fragile.listener.close()
    with pytest.raises(RenderError) as caught:
        fragile.render(_sample())
    assert caught.value.reason is Reason.RENDERER_UNAVAILABLE


def _kill(child: Child) -> None:
    child.signal(signal.SIGKILL)
    assert child.wait(10)


def _busy(children: list[Child]) -> Child:
    """The process that has begun to work."""
    before = {child.pid: _processor_ticks(child.pid) for child in children}
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for child in children:
            if _processor_ticks(child.pid) > before[child.pid] + 5:
                return child
        time.sleep(0.005)
    raise AssertionError("nobody took the document")


def _has_only_its_listener(pid: int) -> bool:
    return [str(path)[:7] for path in open_descriptors(pid)].count("socket:") == 1


def _eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "did not come to pass"
        time.sleep(0.01)


def _processor_ticks(pid: int) -> int:
    return int(_stat(pid)[11])


def _stat(pid: int) -> list[str]:
    """Of proc(5), from the third field on."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def test_a_seals_picture_is_drawn_as_on_the_command_line(pool: Pool) -> None:
    for content in (png(ring()), oval_svg()):
        assert pool.renderer.draw_picture(content, timeout=60) == draw_picture(content)


def test_what_is_wrong_with_a_picture_comes_back_with_its_remedy(pool: Pool) -> None:
    for content in (png(ring())[:-1], oval_svg()[:-1], b""):
        with pytest.raises(RenderError) as there:
            pool.renderer.draw_picture(content, timeout=60)
        with pytest.raises(RenderError) as here:
            draw_picture(content)
        assert there.value.reason is Reason.PICTURE_UNFIT
        assert str(there.value) == str(here.value)
