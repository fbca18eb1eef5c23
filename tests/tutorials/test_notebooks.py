"""The notebooks run from top to bottom over what the demo leaves, and are kept without outputs."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.tutorials.conftest import environment

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in environment().items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("LEDGERLINE_CONFIG", raising=False)
    import nbformat  # three seconds that every other collection would pay
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": made}})
    client.execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("│" in output.get("data", {}).get("text/plain", "") for output in shown) >= 5  # tables


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_kept_without_outputs(path: Path) -> None:
    import nbformat

    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)
