"""A study and everything it reads in one archive, for a machine without network.

`lintseq study` runs the archive like a study file; lintseq, torch and transformers have to be installed there.
"""

import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from lintseq.benchmarks.selection import is_problem_file
from lintseq.errors import ConfigError
from lintseq.lm.recipes import PretrainRecipe, as_toml, read_recipe
from lintseq.study.files import Study, map_inputs, read_study
from lintseq.study.plan import HERE

INPUTS = "inputs"
"""Where a study's folder contains the inputs of an archive."""
DATA = "data"
"""Where these contain the files of benchmarks."""
_STUDY = "study.toml"


@dataclass(frozen=True, slots=True)
class PackedStudy:
    """An archive that was written."""

    path: str
    """The archive."""
    files: int
    """Number of files in it."""
    size: int
    """Bytes."""


def pack(study: Study, files: Mapping[str, str], path: Path) -> PackedStudy:
    """Write a study and its inputs to a .tar.gz archive; `files` gives the path of each benchmark.

    Raises `ConfigError` if an input is not on this machine, or the archive exists.
    """
    moved, sources = collect_inputs(study, files)
    if path.exists():
        raise ConfigError(f"{path} exists; choose another name for the archive")
    count = 0

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        nonlocal count
        count += info.isfile()
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "x:gz") as archive:
        text = as_toml(moved).encode()
        info = tarfile.TarInfo(_STUDY)
        info.size = len(text)
        archive.addfile(plain(info), BytesIO(text))
        for name, source in sources.items():
            archive.add(source, name, filter=plain)
    return PackedStudy(str(path), count, path.stat().st_size)


def collect_inputs(study: Study, files: Mapping[str, str]) -> tuple[Study, dict[str, str]]:
    """Return the study with the paths that its inputs have in an archive, and the current path of each.

    Raises `ConfigError` if an input is not a local file or folder.
    """
    sources: dict[str, str] = {}

    def move(path: str, field: str) -> str:
        if path.startswith(HERE) or (field == "problems" and not is_problem_file(path)):
            return path
        if field == "name" and not os.path.isfile(path):
            sources[f"{DATA}/{os.path.basename(files[path])}"] = files[path]
            return path
        if path.startswith("hf:") or "://" in path or "*" in path or not os.path.exists(path):
            raise ConfigError(f"the study reads {path}, which is not a local file or folder; an archive needs a copy")
        known = next((name for name, source in sources.items() if source == path), None)
        name = known or f"{field}/{len(sources)}-{os.path.basename(os.path.normpath(path))}"
        sources[name] = path
        return name

    if study.base.pretrain:
        _check_pretraining_inputs(study)
    return map_inputs(_with_labels(study), move), sources


def _check_pretraining_inputs(study: Study) -> None:
    """Raise `ConfigError` if the base is pretrained on something that the study does not make itself."""
    base = study.base
    recipe = read_recipe(base.pretrain, PretrainRecipe, settings=base.set)
    paths = [source.path for source in (*recipe.data.train, *recipe.data.validation)]
    if base.tokenizer is None:
        paths.append(recipe.tokenizer)
    for path in paths:
        if not path.startswith(HERE):
            raise ConfigError(
                f"the base is pretrained with {path} ({base.pretrain}), which an archive would not contain; make it"
                " part of the study (base.corpora, base.tokenizer), or set base.model"
            )


def unpack(path: str, folder: str) -> Study:
    """Extract an archive into a study's folder, and return its study with the paths of the inputs there.

    Raises `ConfigError` if it is not an archive of a study.
    """
    inputs = os.path.join(folder, INPUTS)
    shutil.rmtree(inputs, ignore_errors=True)
    try:
        with tarfile.open(path, "r:*") as archive:
            archive.extractall(inputs, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ConfigError(f"cannot extract {path}: {error}; copy the archive again") from None
    if not os.path.exists(os.path.join(inputs, _STUDY)):
        raise ConfigError(f"{path} is not an archive of a study; make one with lintseq study --pack")

    def move(name: str, field: str) -> str:
        packed = os.path.join(inputs, name)
        return packed if name.startswith(f"{field}/") and os.path.exists(packed) else name

    return map_inputs(_with_labels(read_study(os.path.join(inputs, _STUDY))), move)


def _with_labels(study: Study) -> Study:
    """Return a study whose benchmarks keep their names in reports when their files move."""
    return replace(study, benchmarks=tuple(replace(item, label=item.title) for item in study.benchmarks))


def is_archive(path: str) -> bool:
    """Return whether a file is an archive, and not a study file."""
    return os.path.isfile(path) and tarfile.is_tarfile(path)
