"""The notebooks run from top to bottom on a demo lake, and each question gets its figure or its table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings

pytestmark = pytest.mark.timeout(900)  # the lake is made by whichever test asks first

NOTEBOOKS = sorted((REPOSITORY_ROOT / "notebooks").glob("*.ipynb"))
MARK = "drawn: "
# Runs before the first cell: says beside each figure how many values it shows and how many of them are not zero, since
# empty axes make a picture, too.
COUNTING = f"""
import json
import matplotlib.pyplot as plt
import numpy as np

def counting(show=plt.show):
    shown = []
    for axes in plt.gcf().axes:
        shown += [value for line in axes.lines if len(line.get_xdata()) > 2 for value in line.get_ydata()]
        shown += [patch.get_width() * patch.get_height() for patch in axes.patches]
        shown += [value for area in axes.collections for path in area.get_paths() for value in path.vertices[:, 1]]
        shown += [value for image in axes.images for value in image.get_array().ravel()]
    values = np.array(shown, dtype=float)
    print({MARK!r} + json.dumps([len(values), int(np.count_nonzero(np.nan_to_num(values)))]))
    show()

plt.show = counting
"""
# Tables that may be empty on a lake loaded once: nothing was restated yet.
MAY_BE_EMPTY = ("valeurs_successives",)


def cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def drawn(cell: Any) -> Iterator[tuple[int, int]]:
    for output in cell.outputs:
        if output.output_type == "stream" and output.text.startswith(MARK):
            points, nonzero = json.loads(output.text.removeprefix(MARK))
            yield points, nonzero


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def rows(cell: Any) -> int | None:
    """Rows of the table that a cell ends with, as Polars prints its shape; None for no table."""
    texts = [output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]
    shapes = [re.match(r"shape: \(([\d_,]+), \d+\)", text) for text in texts]
    return next((int(re.sub(r"\D", "", shape[1])) for shape in shapes if shape), None)


def test_there_are_four_and_they_are_stored_without_outputs() -> None:
    assert len(NOTEBOOKS) == 4
    for path in NOTEBOOKS:
        assert nbformat.validate(json.loads(path.read_text(encoding="utf-8"))) is None
        assert [cell.source for cell in cells(path) if cell.outputs or cell.execution_count] == [], path.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_question_gets_its_figure_or_table(
    path: Path, demo_lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in demo_lake.to_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY_ROOT))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(COUNTING))
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    done = [cell for cell in notebook.cells[1:] if cell.cell_type == "code"]
    figures = [cell for cell in done if "plt.show()" in cell.source]
    assert len(figures) >= 3
    for cell in figures:
        ((points, nonzero),) = drawn(cell)
        assert pictures(cell) == 1, cell.source
        assert points >= 3, cell.source
        assert nonzero >= 2, cell.source
    tables = [cell for cell in done if cell.source.rstrip().endswith(".pl()")]
    assert len(tables) >= 3
    for cell in tables:
        assert (rows(cell) or 0) > 0 or any(name in cell.source for name in MAY_BE_EMPTY), cell.source
    assert all(cell in tables or rows(cell) is None or rows(cell) for cell in done)


def test_the_proof_of_the_sales_notebook_holds(demo_lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last table sets the indicator beside the lines and their sum by family: three numbers that are one."""
    for name, value in demo_lake.to_environment().items():
        monkeypatch.setenv(name, value)
    from ebp_lakehouse.lake.catalog import connect  # noqa: PLC0415 - as the notebook does

    source = next(cell.source for cell in cells(NOTEBOOKS[1]) if "AS indicateur" in cell.source)
    sql = source.split('"""')[1]
    with connect() as lac:
        lac.execute("SET VARIABLE jour = (SELECT max(date_id) FROM gold.sales_daily_kpi)")
        indicator, lines, families = lac.sql(sql).fetchall()[0]
    assert indicator == lines == families > 0
