"""What tests of runs that are killed share: neither kills nor workers change the bytes of what is written."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lintseq.dataset import pipeline
from lintseq.dataset.report import BuildProgress


class Killed(BaseException):
    """Ends a run as a kill does: nothing is saved on the way out."""


def kill_at(rows: int) -> Callable[[BuildProgress], None]:
    """Return a report of progress that kills a run once so many rows are done."""

    def look(progress: BuildProgress) -> None:
        assert progress.total is None or progress.done <= progress.total
        if progress.rows >= rows:
            raise Killed

    return look


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def check_bytes(
    run: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch, kills: Sequence[int]
) -> dict[str, bytes]:
    """Check that a run in the working folder writes the same with two workers, and with kills; return the files."""
    monkeypatch.setattr(pipeline, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(pipeline, "BATCH_ROWS", 4)  # so that no kill comes with the last row, however quick they are

    def run_in(name: str, *, workers: int = 1, **more: Any) -> None:
        (folder / name).mkdir(exist_ok=True)
        monkeypatch.chdir(folder / name)
        run(workers=workers, **more)

    run_in("alone")
    run_in("workers", workers=2)
    for rows in kills:
        with pytest.raises(Killed):
            run_in("killed", on_progress=kill_at(rows), resume=True)
    run_in("killed", resume=True)
    contents = [files_in(folder / name) for name in ("alone", "workers", "killed")]
    assert contents[0] == contents[1] == contents[2]
    return contents[0]
