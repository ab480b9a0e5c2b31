"""The folder of a training run: unfinished in `OUTPUT.partial`, whole in `OUTPUT`.

`OUTPUT` is there if and only if the run is finished. It then holds what transformers writes for a model, and of ours
`recipe.toml`, `log.jsonl` and `manifest.json`. Of several processes that train together, the first one alone writes.
"""

import json
import os
import platform
import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from lintseq import __version__
from lintseq.dataset.outputs import check_same
from lintseq.errors import ConfigError
from lintseq.lm.recipes import as_table, as_toml
from lintseq.storage.workplace import MANIFEST, Workplace, write_durably

LOG = "log.jsonl"
RECIPE = "recipe.toml"
CHECKPOINTS = "checkpoints"

_MAY_CHANGE = ("save_every", "keep", "log_every", "evaluate_every")
"""Of `run`: what changes nothing in the weights, so a run may be resumed with another value."""
_PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "peft", "numpy")


class RunFolder:
    """A training run's folder, locked as long as it is open."""

    def __init__(self, output: str, recipe: Any, data: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Open the run that makes `output`; `data` tells what it is trained on.

        Raises `ConfigError` if something else is there: a finished run, an unfinished one without `resume`, or one
        of another recipe or other data.
        """
        self.output = output
        self.recipe = recipe
        self.settings = {"recipe": _fixed(as_table(recipe)), "data": dict(data)}
        self.manifest: dict[str, Any] | None = None
        """What a finished run says of itself; None while there is work to do."""
        self._writes = is_first_process()
        self._workplace = Workplace(output) if self._writes else None
        self.path = os.path.join(f"{output}.partial", "run")
        """Where everything lies until it is whole."""
        try:
            self._open(resume=resume, overwrite=overwrite)
        except BaseException:
            self.close()
            raise

    def _open(self, *, resume: bool, overwrite: bool) -> None:
        state = self._workplace.load() if self._workplace else None
        finished = _manifest(self.output)
        if finished is not None and resume and state is None:
            check_same(finished["settings"], self.settings, self.output)
            self.manifest = finished
            return
        if state is not None and resume:
            check_same(state["settings"], self.settings, f"{self.output}.partial")
        elif self._workplace is not None:
            self._start_anew(state, overwrite=overwrite)
        if self._workplace is not None:
            write_durably(os.path.join(self.path, RECIPE), as_toml(self.recipe).encode())

    def _start_anew(self, state: Any, *, overwrite: bool) -> None:
        assert self._workplace is not None
        if os.path.lexists(self.output) and not overwrite:
            raise ConfigError(f"{self.output} exists; choose another name, or replace it with --overwrite")
        if os.path.lexists(self.output) and not os.path.isdir(self.output):
            raise ConfigError(f"{self.output} is a file, and the run is a folder; choose another name")
        if os.path.isdir(self.output) and os.listdir(self.output) and _manifest(self.output) is None:
            raise ConfigError(f"{self.output} is no run of lintseq, so it is not replaced; choose another name")
        if state is not None and not overwrite:
            way_out = "go on with --resume, or start again with --overwrite"
            raise ConfigError(f"an unfinished run lies in {self.output}.partial: {way_out}")
        self._workplace.clear()
        os.makedirs(self.path)
        self._workplace.save({"settings": self.settings})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, ConfigError):
            self._leave_nothing()
        self.close()

    def _leave_nothing(self) -> None:
        """Delete an unfinished run in which nothing was done: what cannot work is not gone on with."""
        if self._workplace is None or not os.path.isdir(self.path):
            return
        beside = [one for one in os.scandir(self._workplace.path) if one.is_dir() and one.path != self.path]
        if not beside and set(os.listdir(self.path)) <= {RECIPE}:
            self._workplace.clear()

    def close(self) -> None:
        """Unlock the folder."""
        if self._workplace is not None:
            self._workplace.close()

    def file(self, name: str) -> str:
        """Return where a file of the run lies while it is not finished."""
        return os.path.join(self.path, name)

    def finish(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest, with what is `told` in it, and give the run its name; returns the manifest."""
        manifest = {"lintseq": __version__, "settings": self.settings, "versions": versions(), **told}
        self.manifest = manifest
        if self._workplace is None:
            return manifest
        shutil.rmtree(self.file(CHECKPOINTS), ignore_errors=True)
        write_durably(self.file(MANIFEST), json.dumps(manifest, indent=1).encode())
        self._workplace.move([(self.path, self.output)])
        return manifest


def is_first_process() -> bool:
    """Tell whether this is the process that writes, of those that a launcher started."""
    return int(os.environ.get("RANK", "0")) == 0


def versions() -> dict[str, str]:
    """Return the versions of what has a say in the weights."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _fixed(table: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe without what may change on the way."""
    run = {name: value for name, value in table.get("run", {}).items() if name not in _MAY_CHANGE}
    return {**table, "run": run}


def _manifest(folder: str) -> dict[str, Any] | None:
    try:
        with open(os.path.join(folder, MANIFEST), "rb") as file:
            manifest: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return manifest if "settings" in manifest else None
