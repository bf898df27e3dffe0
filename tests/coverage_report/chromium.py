"""A headless Chromium, driven over its debugging pipe: pages, widths, keys, pictures."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium reads commands from descriptor 3 and writes answers to 4, each ended by a NUL.
_TO: Final = 3
_FROM: Final = 4
_OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
_KEYS: Final = {"Tab": 9, "Enter": 13, " ": 32}


class Browser:
    """One tab; `requests` has every address that it asked for."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def open(self, page: Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Open a file in a window of this width, in light or dark colours."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._call("Emulation.setEmulatedMedia", features=[feature])
        self._loaded = False
        self._call("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._event(self._message())

    def value(self, expression: str) -> Any:  # noqa: ANN401 - a value of JavaScript
        """Return what an expression is in the page."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """Press a key so many times."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self._call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    windowsVirtualKeyCode=_KEYS[key],
                    **({"text": text} if text and kind == "keyDown" else {}),
                )

    def names(self, role: str) -> list[str]:
        """Return the names that a screen reader is told of all elements with a role."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") == role
        ]

    def picture(self) -> bytes:
        """Return the window as a PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._number:
            self._event(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _event(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Page.loadEventFired":
            self._loaded = True
        elif message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = os.read(self._answers, 65536)
            assert more, "Chromium ended"
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start Chromium, and end it."""
    assert PROGRAM is not None
    (read_commands, write_commands), (read_answers, write_answers) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # the shell puts the two pipes where Chromium looks for them
        line = f'exec "$@" {_TO}<&{read_commands} {_FROM}>&{write_answers}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", line, "bash", PROGRAM, *_OPTIONS, f"--user-data-dir={profile}"],
            pass_fds=(read_commands, write_answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        try:
            yield Browser(write_commands, read_answers)
        finally:
            os.close(write_commands)
            process.terminate()
            process.wait(30)
            os.close(read_answers)
