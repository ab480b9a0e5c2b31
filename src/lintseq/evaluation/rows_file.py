"""The results file while it grows: rows that survive a kill, and a manifest beside the finished file."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from lintseq.benchmarks.problem import shorten
from lintseq.errors import ConfigError
from lintseq.rows import encode_line
from lintseq.storage.growing import COMPRESSIONS, GrowingFile
from lintseq.storage.workplace import Workplace, write_durably

Row = dict[str, Any]


class RowsFile:
    """The results file while it grows; it gets its name when it is whole."""

    def __init__(self, path: str, settings: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Open the file where an earlier run of the same left it, with `resume`, or anew.

        Raises `ConfigError` if that would destroy something, or the earlier run was another.
        """
        self.path = os.path.realpath(path)
        self.manifest = f"{self.path.removesuffix('.jsonl')}.manifest.json"
        self.settings = json.loads(json.dumps(settings))
        self.rows: list[Row] = []
        """Those of the earlier run."""
        if not self.path.endswith((".jsonl", *(f".jsonl{end}" for end in COMPRESSIONS))):
            raise ConfigError(f"{path}: results are lines of JSON; choose a name that ends in .jsonl or .jsonl.gz")
        self.finished = os.path.exists(self.path) and not overwrite
        if self.finished and not resume:
            raise ConfigError(
                f"{path} exists; go on with --resume, replace it with --overwrite, or choose another name"
            )
        self.workplace = Workplace(self.path)
        try:
            self._open(path, resume=resume, overwrite=overwrite)
        except BaseException:
            self.workplace.close()
            raise

    def _open(self, path: str, *, resume: bool, overwrite: bool) -> None:
        grown = self.workplace.file("rows.jsonl")
        state = self.workplace.load()
        if os.path.exists(self.path) and not overwrite and not (state is not None and os.path.exists(grown)):
            self._check_settings(_manifest(self.manifest, path).get("settings"), path)
            self.rows = _read_rows(self.path)
            self.workplace.close(delete=True)
            self.finished = True
        elif state is not None and resume:
            self._check_settings(state["settings"], path)
            self.finished = False  # or it was killed while it got its name
            self.file = GrowingFile(grown, state["mark"])
            self.file.mark()
            self.rows = _read_rows(grown)
        elif state is not None and not overwrite:
            way_out = "go on with --resume, or start again with --overwrite"
            raise ConfigError(f"an unfinished run lies in {self.workplace.path}: {way_out}")
        else:
            self.workplace.clear()
            self.file = GrowingFile(grown)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, so that they survive a kill; what never got any is no run to go on with."""
        if not rows:
            return
        self.file.write(b"".join(map(encode_line, rows)))
        self.workplace.save({"settings": self.settings, "mark": self.file.mark()})

    def finish(self, manifest: dict[str, Any], *, order: Callable[[Row], Any] | None = None) -> None:
        """Give the file its name, with its rows in an order if one is told, and write beside it what it is."""
        if self.finished:
            return
        self.file.close()
        whole = self.workplace.file("rows.jsonl")
        if order is not None:
            ordered = GrowingFile(self.workplace.file("ordered.jsonl"))
            ordered.write(b"".join(map(encode_line, sorted(_read_rows(whole), key=order))))
            ordered.close()
            whole = ordered.path
        result = next((end for end in COMPRESSIONS if self.path.endswith(end)), None)
        if result is not None:
            packed = GrowingFile(self.workplace.file(f"packed{result}"))
            with open(whole, "rb") as file:
                for line in file:
                    packed.write(line)
            packed.close()
            whole = packed.path
        told = self.workplace.file("manifest.json")
        write_durably(told, json.dumps({"settings": self.settings, **manifest}, indent=2).encode() + b"\n")
        self.workplace.move([(told, self.manifest), (whole, self.path)])
        self.finished = True

    def close(self) -> None:
        """Leave an unfinished file as it is, for a later run."""
        if not self.finished:
            self.file.abandon()
            self.workplace.close()

    def _check_settings(self, before: Any, path: str) -> None:
        if not isinstance(before, dict):
            before = {}
        differing = [name for name in {**self.settings, **before} if before.get(name) != self.settings.get(name)]
        if differing:
            told = "; ".join(
                f"{name} was {shorten(repr(before.get(name)), 80)}, and is"
                f" {shorten(repr(self.settings.get(name)), 80)}"
                for name in sorted(differing)
            )
            raise ConfigError(f"{path} was made differently: {told}. Resume as it was, or start with --overwrite")


def _manifest(manifest: str, path: str) -> dict[str, Any]:
    try:
        with open(manifest, "rb") as file:
            found: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        raise ConfigError(
            f"{path} exists and has no manifest at {manifest}, so it cannot be told whether it is what was asked for;"
            " choose another name, or replace it with --overwrite"
        ) from None
    return found


def _read_rows(path: str) -> list[Row]:
    from lintseq.rows import parse_row, read_rows

    return [parse_row(raw.data) for raw in read_rows(path)] if os.path.getsize(path) else []
