"""The notebook in `examples` runs, and the model that it trains solves problems.

`python tests/test_notebook.py` runs it and writes its outputs into it.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "from_pairs_to_a_model.ipynb"


def run(folder: str) -> Any:
    """Return the notebook with the outputs of a run, whose files are below a folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=None).execute(env={**os.environ, "TMPDIR": folder})
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.metadata.pop("execution", None)  # when it ran
        text = printed(cell)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []
    return notebook


def printed(cell: Any) -> str:
    """Return what a cell prints, without the warnings of libraries."""
    return "".join(output["text"] for output in cell.get("outputs", ()) if output.get("name") == "stdout")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("default")
def test_the_notebook_trains_a_model_that_solves_problems(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    committed = [printed(cell) for cell in nbformat.read(NOTEBOOK, as_version=4).cells]
    texts = [printed(cell) for cell in run(str(tmp_path)).cells]
    training = next(index for index, text in enumerate(committed) if "loss" in text)  # differs between processors
    assert texts[:training] == committed[:training]
    *_, score, program = filter(None, texts)
    assert int(re.search(r"pass@1 (\d+)%", score)[1]) > 30  # type: ignore[index]
    assert "def total_double(numbers):" in program


if __name__ == "__main__":
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(run(folder), NOTEBOOK)
    sys.exit()
