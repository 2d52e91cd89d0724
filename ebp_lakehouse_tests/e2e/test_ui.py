"""The Dagster UI in a real browser, on a demo made by the command: graph, partition, checks."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
STARTUP_SECONDS = 120

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine; `apt-get install chromium` runs this test"
    ),
]


def cli(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("EBP_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-m", "ebp_lakehouse.cli", *arguments],
        env=environment | {"EBP_DEMO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo")
    done = cli("demo", "--scale", "0.01", "--home", str(home), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("EBP_", "AWS_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "ebp_lakehouse.cli", "ui", "--port", str(port)],
        env=environment | {"EBP_DEMO_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the UI stopped while starting"
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=2):  # noqa: S310  our own address
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"{url} did not answer within {STARTUP_SECONDS} s")


def test_the_graph_a_partition_and_its_checks(address: str) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only where there is a browser

    picture = os.environ.get("EBP_UI_PICTURE")  # where to keep the README's picture of the graph
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1900, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"{address}/asset-groups")
        page.get_by_text("bronze_sales").first.wait_for()
        page.wait_for_timeout(3000)
        if page.get_by_role("button", name="Skip").count():  # Dagster's newsletter dialog
            page.get_by_role("button", name="Skip").click()
        page.keyboard.press("Alt+e")  # expand every group
        page.get_by_text("sales_daily_kpi").first.wait_for()
        page.wait_for_timeout(3000)
        if picture:
            page.screenshot(path=picture)
        page.goto(f"{address}/assets/silver/fact_sales?view=checks")
        page.get_by_text("contract").first.wait_for()
        page.get_by_text("reconciles_with_headers", exact=False).first.wait_for()
        page.goto(f"{address}/assets/gold/sales_daily_kpi?view=partitions")
        page.get_by_text("Materialized", exact=False).first.wait_for()
        browser.close()
