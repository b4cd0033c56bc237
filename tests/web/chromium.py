"""A real Chromium, headless, driven over its debugging pipe (Chrome DevTools Protocol): what a test does there a person could do.

No package beside the browser itself: the protocol is JSON between two pipes. Not a general driver: only what these tests need.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # tests run as root, too, and open nothing but our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--lang=zh-CN",
    "--remote-debugging-pipe",
)
_ANSWER_S = 60.0
# name: (code, virtual key code, text)
_KEYS = {"Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " ")}


class Browser:
    """One process. Pages share nothing: each has a context of its own."""

    def __init__(self, process: subprocess.Popen[bytes], commands: int, answers: int) -> None:
        self._process = process
        self._commands = commands
        self._answers = os.fdopen(answers, "rb")
        self._number = 0
        self._lock = threading.Lock()
        self._waiting: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command's result. Raises AssertionError for an error of the protocol."""
        with self._lock:
            self._number += 1
            number = self._number
            answer: queue.Queue[dict[str, Any]] = queue.Queue()
            self._waiting[number] = answer
            message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
            if session is not None:
                message["sessionId"] = session
            data = json.dumps(message).encode() + b"\0"
            while data:
                data = data[os.write(self._commands, data) :]
        told = answer.get(timeout=_ANSWER_S)
        assert "error" not in told, (method, told["error"])
        result: dict[str, Any] = told["result"]
        return result

    def _read(self) -> None:
        pending = b""
        while chunk := os.read(self._answers.fileno(), 1 << 20):
            *messages, pending = (pending + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._waiting.pop(message["id"]).put(message)
                else:
                    self.events.setdefault(message.get("sessionId", ""), []).append(message)


@contextmanager
def browser() -> Iterator[Browser]:
    """A started browser; ended with all its files."""
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        # The browser wants its pipes as descriptors 3 and 4.
        script = f'exec chromium "$@" 3<&{to_browser} 4>&{from_browser}'
        process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *_ARGUMENTS, f"--user-data-dir={home}/profile", "about:blank"],
            pass_fds=[to_browser, from_browser],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Browser(process, commands, answers)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(commands)


class Page:
    """A tab."""

    def __init__(self, driver: Browser, *, width: int = 1280, height: int = 900, downloads: Path | None = None) -> None:
        self._driver = driver
        self._context = driver.call("Target.createBrowserContext")["browserContextId"]
        target = driver.call("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        self._session = driver.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        if downloads is not None:
            driver.call(
                "Browser.setDownloadBehavior",
                behavior="allow",
                browserContextId=self._context,
                downloadPath=str(downloads),
            )
        self.resize(width, height)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command for this tab."""
        return self._driver.call(method, self._session, **parameters)

    def close(self) -> None:
        """With everything that it had stored."""
        self._driver.call("Target.disposeBrowserContext", browserContextId=self._context)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """CSS pixels. A phone has a touch screen and twice as many real ones."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def goto(self, url: str) -> None:
        """Until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def without_javascript(self) -> None:
        """For what is loaded from now on; the page itself runs none, the tests still look into it."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def slow_upload(self, bytes_per_second: int) -> None:
        """As on a slow line."""
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        self.call("Network.emulateNetworkConditions", **conditions)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 60) -> None:
        """Until it is true, over changes of the page."""
        until = time.monotonic() + seconds
        while not self._is_true(expression):
            assert time.monotonic() < until, f"never came true: {expression}"
            time.sleep(0.02)

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.evaluate(f"Boolean({expression})"))
        except AssertionError:  # between two pages
            return False

    def text(self, selector: str) -> str:
        """What is shown there."""
        shown: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return shown

    def choose(self, selector: str, *files: Path) -> None:
        """Files in a file input, as from the system's dialogue."""
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file) for file in files], nodeId=node)

    def click(self, selector: str) -> None:
        """With the mouse, in its middle."""
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drop(self, selector: str, *files: Path) -> None:
        """Files dragged in from the desktop and let go over an element."""
        x, y = self._middle(selector)
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def press(self, key: str) -> None:
        """One key."""
        code, number, text = _KEYS[key]
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, file: Path) -> None:
        """The whole page, PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def accessible(self) -> list[tuple[str, str]]:
        """(role, name) of everything that a screen reader meets, in its order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"] and "role" in node
        ]

    def problems(self) -> list[str]:
        """What the console has seen: violated policies, exceptions, resources that failed."""
        told = []
        for event in self._driver.events.get(self._session, []):
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] in {"error", "warning"}:
                told.append(event["params"]["entry"]["text"])
            elif event["method"] == "Runtime.exceptionThrown":
                told.append(str(event["params"]["exceptionDetails"]["text"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                told.append(str(event["params"]["args"]))
        return told

    def requested(self) -> list[str]:
        """Every address that was asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self._driver.events.get(self._session, [])
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _middle(self, selector: str) -> tuple[float, float]:
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return box[0], box[1]
