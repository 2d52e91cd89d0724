"""The documentation as a reader meets it: from files alone, in a real browser, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebp_lakehouse.documentation import write
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.e2e.test_ui import CHROMIUM, browser_page

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine; `apt-get install chromium` runs this test"
    ),
]

# The graph is a canvas; where a model is drawn, a pixel is not transparent.
DRAWN = """() => {
    const canvas = document.querySelector("canvas[data-id='layer2-node']");
    return canvas.width > 0
        && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0);
}"""


def test_the_pages_open_from_files_and_dbt_draws_its_graph(tmp_path: Path) -> None:
    index = write(Settings(), tmp_path)
    with browser_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(index.as_uri())
        page.get_by_role("link", name="Lignage des colonnes").click()
        page.get_by_role("heading", name="silver.fact_sales", exact=True).wait_for()
        page.goto(index.as_uri())
        page.get_by_role("link", name="Modèles dbt").click()
        page.get_by_text("The silver layer").wait_for()
        page.goto(f"{(tmp_path / 'dbt.html').as_uri()}#!/model/model.ebp_silver.fact_sales")
        page.get_by_text("net_amount_excl_tax").first.wait_for()
        page.locator("[title='View Lineage Graph']").click()
        page.locator("canvas[data-id='layer2-node']").wait_for()
        page.wait_for_function(DRAWN)
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
