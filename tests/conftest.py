"""What tests of several packages share: the console script, one audit of the samples, a browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows import proxies

proxies.spare_this_machine()  # servers of tests are on it, whatever proxies there are
collect_ignore = ["faults"]
"""Looking for doctests there would inject the faults into the tests' own process."""
ROOT = Path(__file__).parents[1]
SCRIPT = Path(sys.executable).parent / "callaudit"

NO_WAY_OUT = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "all_proxy": "socks4://127.0.0.1:9",
    "no_proxy": "",
    "NO_PROXY": "",
}
"""Proxies at a port where nobody listens, of which a user has exempted nothing."""
NO_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale that knows no letter beyond ASCII, and Python kept from mending that by itself."""

Script = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Audited:
    """The sample calls, audited once for the whole session; leave ``out`` as it is."""

    out: Path
    code: int
    stdout: str
    stderr: str
    wall_s: float
    arguments: tuple[str, ...]
    """Of the command that audited them."""


@pytest.fixture(scope="session")
def callaudit() -> Script:
    """Run the console script as a user does, from the repository's folder."""

    def run(
        *arguments: str | Path, timeout: float = 600, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPT), *(str(argument) for argument in arguments)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def audited(callaudit: Script, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The sample calls through the real thing: Whisper, Prefect, Parquet, HTML."""
    out = tmp_path_factory.mktemp("一夜")
    samples = ROOT / "data_samples"
    arguments = ("run", str(samples / "calls"), "--manifest", str(samples / "manifest.csv"))
    arguments = (*arguments, "--out", str(out))
    started = time.perf_counter()
    done = callaudit(*arguments, env=NO_WAY_OUT | NO_LOCALE)
    wall_s = time.perf_counter() - started
    return Audited(out, done.returncode, done.stdout, done.stderr, wall_s, arguments)


class Chromium:
    """Debian's Chromium, headless, with what tests ask of it."""

    def __init__(self, downloads: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for switch in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1300,900",
            "--autoplay-policy=no-user-gesture-required",
        ):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.downloads = downloads
        self.driver: Any = webdriver.Chrome(
            options=options, service=Service(shutil.which("chromedriver") or "chromedriver")
        )
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
        )

    def open(self, path: Path, *, hash: str = "") -> None:
        """Load a page anew, with what comes after its ``#``."""
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + hash)
        self.until("document.readyState === 'complete'")

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, expression: str) -> Any:
        """Wait until an expression is true and return it."""
        from selenium.webdriver.support.ui import WebDriverWait

        waiting = WebDriverWait(self.driver, 15, 0.05)
        return waiting.until(lambda d: d.execute_script(f"return {expression}"))

    def click(self, selector: str) -> None:
        """Click what a selector finds first."""
        self.driver.find_element("css selector", selector).click()

    def type(self, selector: str, text: str) -> None:
        """Type into what a selector finds first."""
        self.driver.find_element("css selector", selector).send_keys(text)

    def complaints(self) -> list[str]:
        """Errors and refusals of the Content-Security-Policy since the last question."""
        return [json.dumps(entry) for entry in self.driver.get_log("browser")]

    def exported(self) -> Path:
        """The file of reviews that the page has just offered, once it is whole."""
        from selenium.webdriver.support.ui import WebDriverWait

        def found(_: object) -> Path | None:
            return next(iter(self.downloads.glob("callaudit-reviews-*.json")), None)

        return Path(WebDriverWait(self.driver, 15, 0.05).until(found))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    started = Chromium(tmp_path_factory.mktemp("downloads"))
    yield started
    started.driver.quit()
