"""The page as people use it, in a real Chromium: choose, drop, keyboard, phone, without JavaScript; progress, every kind of result.

Threat: T35.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signer.client import Connection, load_profile
from tests.conftest import RunningAppliance
from tests.web.chromium import Browser, Page, browser
from tests.web.documents import written
from tests.web.served_portal import serving

_RESULT = "document.querySelector('#result')"
_HEADLINES = {
    "genuine": ("genuine", "真实有效"),
    "lapsed": ("not-in-force", "真实，但保险已到期"),
    "future": ("not-in-force", "真实，尚未生效"),
    "changed": ("changed", "已被改动"),
    "appended": ("changed", "已被改动"),
    "stranger": ("not-ours", "不是本公司签发"),
    "doubtful": ("unreadable", "无法判断"),
    "unsigned": ("not-ours", "不是本公司签发"),
    "no-pdf": ("unreadable", "无法读取"),
}
# Every text that shows, with the contrast of its colour and its ground (WCAG 2.2, 1.4.3).
_CONTRASTS = """(() => {
  const parts = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
    return [255, 255, 255, 1]; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) {
    const e = n.parentElement, box = e.getBoundingClientRect();
    if (!n.data.trim() || !box.width || getComputedStyle(e).visibility !== 'visible' || e.closest('.unseen,.skip,script')) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), n.data.trim()]);
  }
  return found;
})()"""
_UNLABELLED = """[...document.querySelectorAll('input:not([type=hidden]), button, progress')]
  .filter((e) => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label')).map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One process for all tests of the module."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def url(appliance: RunningAppliance) -> Iterator[str]:
    """A portal without narrow limits before the session's appliance, as its client "portal"."""
    with serving(load_profile(appliance.directory / "clients" / "portal" / "profile.toml")) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def files(connection: Connection, sample: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind."""
    return written(connection, sample, tmp_path_factory.mktemp("uploads"))


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of its own, in which nothing may go wrong in the console."""
    opened = Page(chromium)
    yield opened
    problems = opened.problems()
    opened.close()
    assert problems == []


def _seen(page: Page) -> tuple[str, str]:
    page.wait_for(_RESULT)
    outcome = page.evaluate(f"{_RESULT}.dataset.outcome")
    return outcome, page.text("#headline").split("\n")[0].strip()


@pytest.mark.parametrize("kind", _HEADLINES)
def test_every_kind_of_file_is_told_at_a_glance(page: Page, url: str, files: dict[str, Path], kind: str) -> None:
    page.goto(f"{url}/verify")
    page.choose("#file", files[kind])
    page.click("#send")
    assert _seen(page) == _HEADLINES[kind]
    on_record = page.evaluate("document.body.innerText.includes('PDZA202611000000012345')")
    assert on_record == (kind in {"genuine", "lapsed", "future", "appended"})
    assert page.evaluate("document.title").startswith(_HEADLINES[kind][1])
    assert page.evaluate("document.activeElement.id") == "result"  # a screen reader reads on from there
    assert page.evaluate("location.pathname") == "/verify"
    assert min(page.evaluate(_CONTRASTS))[0] >= 4.5
    assert page.evaluate(_UNLABELLED) == []


def test_a_dropped_file_is_verified_at_once(page: Page, url: str, files: dict[str, Path]) -> None:
    page.goto(f"{url}/verify")
    page.drop("#drop", files["genuine"])
    assert _seen(page)[0] == "genuine"
    page.drop("main", files["changed"])  # beside the box, too
    page.wait_for("document.querySelector('.result.changed')")
    page.drop("#drop", files["genuine"], files["changed"])
    assert "一次只能验一份文件" in page.text("#problem")


def test_progress_shows_while_it_goes_up_and_can_be_cancelled(page: Page, url: str, files: dict[str, Path]) -> None:
    page.goto(f"{url}/verify")
    page.slow_upload(40_000)
    page.choose("#file", files["genuine"])
    page.click("#send")
    page.wait_for("document.querySelector('#stage').innerText.includes('正在上传')")
    page.wait_for("document.querySelector('#progress').value > 0")
    assert page.evaluate("document.querySelector('#send').disabled")
    assert page.text("#said").startswith("正在上传")  # told to screen readers
    page.click("#cancel")
    page.wait_for("document.querySelector('#working').hidden")
    assert not page.evaluate("document.querySelector('#send').disabled")
    page.slow_upload(-1)
    page.click("#send")
    assert _seen(page)[0] == "genuine"


def test_it_works_without_javascript(page: Page, url: str, files: dict[str, Path]) -> None:
    page.without_javascript()
    page.goto(f"{url}/v?n=PDZA202611000000012345")
    assert "PDZA202611000000012345" in page.text(".number")
    assert not page.evaluate("document.querySelector('.dropline').offsetHeight")  # dropping needs the script
    for kind in ("genuine", "changed", "no-pdf"):
        page.choose("#file", files[kind])
        page.click("#send")
        page.wait_for(f"document.title.startsWith('{_HEADLINES[kind][1]}')")
        assert _seen(page) == _HEADLINES[kind]


def test_the_signed_report_is_downloaded(chromium: Browser, url: str, files: dict[str, Path], tmp_path: Path) -> None:
    page = Page(chromium, downloads=tmp_path)
    page.without_javascript()
    page.goto(f"{url}/verify")
    page.choose("#file", files["genuine"])
    page.click("#send")
    page.wait_for("document.querySelector('form.report')")
    page.click("form.report button")
    until = time.monotonic() + 30
    while not (found := list(tmp_path.glob("verification-report-*.p7m"))):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert b"signer/verification-report" in found[0].read_bytes()
    assert page.problems() == []
    page.close()


@pytest.mark.parametrize(("width", "phone"), [(320, True), (390, True), (768, False), (1920, False)])
@pytest.mark.parametrize("kind", ["genuine", "changed"])
def test_nothing_scrolls_sideways(
    page: Page, url: str, files: dict[str, Path], width: int, phone: bool, kind: str
) -> None:
    page.resize(width, 800, phone=phone)
    page.goto(f"{url}/v?n={'P' * 64}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.choose("#file", files[kind])
    page.click("#send")
    page.wait_for(_RESULT)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    small = page.evaluate(
        "[...document.querySelectorAll('button, input[type=file]')].filter((e) => e.offsetHeight && e.offsetHeight < 24).length"
    )
    assert small == 0  # WCAG 2.2, 2.5.8


def test_the_keyboard_is_enough(page: Page, url: str, files: dict[str, Path]) -> None:
    page.goto(f"{url}/verify")
    order = []
    for _ in range(3):
        page.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        outline = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert outline >= 2, order
    assert order == ["skip", "file", "send"]
    page.press("Enter")  # nothing chosen: the browser or the page says so, and nothing is sent
    assert not page.evaluate(f"Boolean({_RESULT})")
    page.choose("#file", files["genuine"])  # the system's own dialogue is not part of the page
    page.evaluate("document.querySelector('#file').focus()")
    page.press("Tab")
    page.press(" ")
    assert _seen(page)[0] == "genuine"
    page.press("Tab")
    assert page.evaluate("document.activeElement.closest('form').className") == "report"


def test_a_screen_reader_meets_names_and_landmarks(page: Page, url: str, files: dict[str, Path]) -> None:
    page.goto(f"{url}/verify")
    page.choose("#file", files["lapsed"])
    page.click("#send")
    page.wait_for(_RESULT)
    met = page.accessible()
    roles = [role for role, _ in met]
    assert {"banner", "main", "contentinfo", "status"} <= set(roles)
    assert roles.count("main") == 1
    headings = [name for role, name in met if role == "heading"]
    assert headings[0].startswith("电子保单验真")
    assert any(name.startswith("真实，但保险已到期") for name in headings)
    assert any(role == "region" and name.startswith("真实，但保险已到期") for role, name in met)
    assert all(name for role, name in met if role in {"button", "link", "heading", "progressbar"})
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate(
        "[...document.querySelectorAll('.en')].every((e) => e.lang === 'en' && !/[\\u4e00-\\u9fff]/.test(e.textContent))"
    )


def test_motion_is_reduced_where_it_is_wished(page: Page, url: str) -> None:
    transitions = "getComputedStyle(document.querySelector('#drop')).transitionDuration"
    page.goto(f"{url}/verify")
    assert page.evaluate(transitions) != "0s"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.evaluate(transitions) == "0s"


def test_nothing_comes_from_elsewhere(page: Page, url: str, files: dict[str, Path]) -> None:
    page.goto(f"{url}/verify")
    page.choose("#file", files["stranger"])
    page.click("#send")
    page.wait_for(_RESULT)
    assert {address.split("/")[2] for address in page.requested()} == {url.split("/")[2]}
    assert (
        page.evaluate("document.cookie + Object.keys(localStorage).join() + Object.keys(sessionStorage).join()") == ""
    )


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, url: str, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    page.goto(f"{url}/verify")
    page.choose("#file", large)
    page.click("#send")
    page.wait_for("document.querySelector('#problem').innerText.includes('文件太大')")
    assert [address for address in page.requested() if address.endswith("/verify")] == [f"{url}/verify"]


def test_without_javascript_a_file_that_is_too_large_gets_a_page(chromium: Browser, url: str, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    page = Page(chromium)
    page.without_javascript()
    page.goto(f"{url}/verify")
    page.choose("#file", large)
    page.click("#send")
    page.wait_for("document.title.startsWith('文件太大')")
    page.close()  # Chromium tells the status 413 in its console


def test_what_a_file_says_of_itself_is_never_run(page: Page, url: str, files: dict[str, Path], tmp_path: Path) -> None:
    hostile = tmp_path / "x<img src=y onerror=alert(1)>&quot;.pdf"
    hostile.write_bytes(files["unsigned"].read_bytes())
    page.goto(f"{url}/v?n=%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.text(".number strong") == "<script>alert(1)</script>"
    page.choose("#file", hostile)
    page.click("#send")
    page.wait_for(_RESULT)
    assert page.text(".facts dd") == hostile.name
    assert not page.evaluate("document.querySelector('#result img')")
