"""The Dagster UI in a real browser, on a demo made by the command: graph, checks, a partition started, a check failing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, sync_playwright

from ebp_lakehouse.demo.session import DemoHome, demo_settings

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
STARTUP_SECONDS = 120
REFUSED = "does not fit numeric(28,8)"

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
        process.terminate()  # a shell that started us in the background has SIGINT ignored
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
    picture = os.environ.get("EBP_UI_PICTURE")  # where to keep the README's picture of the graph
    with browser_page() as page:
        if picture:
            page.set_viewport_size({"width": 1900, "height": 1180})  # all groups, none cut
        page.goto(f"{address}/asset-groups")
        page.get_by_text("bronze_sales").first.wait_for()
        page.wait_for_timeout(3000)
        if page.get_by_role("button", name="Skip").count():  # Dagster's newsletter dialog
            page.get_by_role("button", name="Skip").click()
        for group in ("bronze_purchases", "silver", "gold"):
            page.get_by_text(group, exact=True).first.wait_for()
        if picture:
            page.wait_for_timeout(20_000)  # until every group has its statuses
            page.screenshot(path=picture)
        page.goto(f"{address}/assets/gold/sales_daily_kpi?view=lineage")
        page.get_by_text("fact_sales").first.wait_for()
        page.goto(f"{address}/assets/silver/fact_sales?view=checks")
        page.get_by_text("contract").first.wait_for()
        page.get_by_text("reconciles_with_headers", exact=False).first.wait_for()
        page.goto(f"{address}/assets/gold/sales_daily_kpi?view=partitions")
        page.get_by_text("Materialized", exact=False).first.wait_for()


def test_a_partition_started_from_the_browser_and_a_check_that_blocks(address: str, home: Path) -> None:
    before = vat_rows(home)
    with demo_settings(DemoHome(home), "folder") as settings, psycopg.connect(settings.source()) as connection:
        rate = connection.execute("""SELECT "Id", "Rate" FROM "Vat" ORDER BY "Id" LIMIT 1""").fetchone()
        assert rate is not None
        connection.execute("""UPDATE "Vat" SET "Rate" = 'NaN' WHERE "Id" = %s""", [rate[0]])
        connection.commit()
        try:
            with browser_page() as page:
                materialize_latest(page, address, "bronze/vat")
                checks_say(page, address, "bronze/vat", REFUSED, shown=True)
        finally:
            connection.execute("""UPDATE "Vat" SET "Rate" = %s WHERE "Id" = %s""", [rate[1], rate[0]])
            connection.commit()
    assert vat_rows(home) == before  # every reader keeps the last good version
    with browser_page() as page:
        materialize_latest(page, address, "bronze/vat")
        checks_say(page, address, "bronze/vat", REFUSED, shown=False)


def vat_rows(home: Path) -> str:
    asked = cli("query", "SELECT * FROM bronze.vat ORDER BY ALL", "--format", "json", home=home)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


def materialize_latest(page: Page, address: str, asset: str) -> None:
    """Press the asset's button, choose the latest partition and launch."""
    page.goto(f"{address}/assets/{asset}?view=partitions")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.locator(".dagster-portal")
    dialog.get_by_role("button", name="Latest", exact=True).click()
    dialog.get_by_role("button", name=re.compile("^Launch")).click()
    dialog.get_by_role("button", name=re.compile("^Launch")).wait_for(state="hidden")


def checks_say(page: Page, address: str, asset: str, text: str, *, shown: bool) -> None:
    """Look at the asset's checks until ``text`` is (or is no more) what the newest evaluation says."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        page.goto(f"{address}/assets/{asset}?view=checks&checkDetail=contract")
        page.get_by_text("Evaluation result").first.wait_for()
        if (text in page.inner_text("body")) == shown:
            return
        time.sleep(2)
    pytest.fail(f"{asset}: {text!r} {'did not appear' if shown else 'is still there'} after {STARTUP_SECONDS} s")


@contextmanager
def browser_page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        # The dialog offers the last 90 days of the browser's own clock; ours are days in France.
        page = browser.new_page(viewport={"width": 1900, "height": 1000}, timezone_id="Europe/Paris")
        page.set_default_timeout(60_000)
        yield page
        browser.close()
