"""A study in a few files, for a machine without network: everything that it reads, and lintseq itself.

The pieces are one tar archive cut up, so that each is small enough to travel; `unpack.sh` beside them puts it
together, and `run.sh` in it starts the study. What is installed there is left to the one who packs: torch and
transformers have to be on the other machine, lintseq's own few requirements travel as wheels if they are asked for.
"""

import dataclasses
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import requires
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

import lintseq
from lintseq.benchmarks import is_problem_file
from lintseq.errors import ConfigError, ToolError
from lintseq.lm.recipes import PretrainRecipe, as_toml, read_recipe
from lintseq.study.files import Study
from lintseq.study.plan import HERE

MOST = 60 * 1000 * 1000
"""Bytes of a piece, at most."""
ARCHIVE = "study.tar"
UNPACK = "unpack.sh"
_NEEDED_TOO = ("tomli-w",)
"""Of the extra `train`, what other machines with torch do not have."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed."""

    pieces: tuple[str, ...]
    size: int
    files: int


def pack(study: Study, files: Mapping[str, str], folder: Path, *, most: int = MOST, wheels: bool = False) -> Packed:
    """Write a study's pieces into a folder; `files` has the file of each benchmark.

    Raises `ConfigError` if something that it reads is not on this machine.
    """
    moved, sources = relocated(study, files)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; choose another name for the pack")
    folder.mkdir(parents=True, exist_ok=True)
    pieces = _Pieces(folder / ARCHIVE, most)
    count = 0
    with tarfile.open(fileobj=cast(BinaryIO, pieces), mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, path in [*sources.items(), ("lintseq", str(Path(lintseq.__file__).parent))]:
            count += _add(archive, path, name)
        for name, text in (("study.toml", as_toml(moved)), ("run.sh", _run(wheels=wheels))):
            _add_text(archive, name, text)
        if wheels:
            count += _add_wheels(archive)
    pieces.close()
    _write_unpack(folder, pieces)
    return Packed(tuple(path.name for path in pieces.paths), pieces.size, count + 2)


def relocated(study: Study, files: Mapping[str, str]) -> tuple[Study, dict[str, str]]:
    """Return the study as it reads what is packed, and what has to be: the name in the pack and the path here."""
    sources: dict[str, str] = {}

    def move(path: str, folder: str) -> str:
        if path.startswith(HERE):  # made by the study itself
            return path
        if path.startswith("hf:") or "://" in path or "*" in path or not os.path.exists(path):
            raise ConfigError(f"the study reads {path}, which is no file or folder here; a pack needs a local copy")
        name = next((name for name, other in sources.items() if other == path), None)
        name = name or f"{folder}/{len(sources)}-{os.path.basename(os.path.normpath(path))}"
        sources[name] = path
        return name

    base = study.base
    tokenizer = base.tokenizer
    if tokenizer is not None:
        tokenizer = dataclasses.replace(tokenizer, inputs=tuple(move(one, "inputs") for one in tokenizer.inputs))
    base = dataclasses.replace(
        base,
        model=move(base.model, "model") if base.model else "",
        pretrain=move(base.pretrain, "recipes") if base.pretrain else "",
        tokenizer=tokenizer,
        corpora={
            name: dataclasses.replace(one, inputs=tuple(move(path, "inputs") for path in one.inputs))
            for name, one in base.corpora.items()
        },
    )
    if base.pretrain:
        _check_reads(study)
    benchmarks = []
    for bench in study.benchmarks:
        chosen = move(bench.problems, "problems") if is_problem_file(bench.problems) else bench.problems
        one = dataclasses.replace(bench, problems=chosen)
        if os.path.isfile(one.name):
            benchmarks.append(dataclasses.replace(one, name=move(one.name, "problems")))
        else:
            sources[f"data/{os.path.basename(files[one.name])}"] = files[one.name]
            benchmarks.append(one)
    moved = dataclasses.replace(
        study,
        pairs=dataclasses.replace(study.pairs, inputs=tuple(move(one, "inputs") for one in study.pairs.inputs)),
        base=base,
        finetune=dataclasses.replace(study.finetune, recipe=move(study.finetune.recipe, "recipes")),
        benchmarks=tuple(benchmarks),
    )
    return moved, sources


def _check_reads(study: Study) -> None:
    """Raise `ConfigError` if the base is pretrained on something that the study does not make."""
    base = study.base
    recipe = read_recipe(base.pretrain, PretrainRecipe, settings=base.set)
    paths = [one.path for one in (*recipe.data.train, *recipe.data.validation)]
    if base.tokenizer is None:
        paths.append(recipe.tokenizer)
    for path in paths:
        if not path.startswith(HERE):
            raise ConfigError(
                f"the base is pretrained with {path} ({base.pretrain}), which would not be in the pack; make it a part"
                " of the study (base.corpora, base.tokenizer), or give base.model"
            )


class _Pieces(RawIOBase):
    """A file to write that is cut into pieces."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__()
        self.path, self.most = path, most
        self.paths: list[Path] = []
        self.sums: list[str] = []
        self.size = 0
        self._file: BinaryIO | None = None
        self._left = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        view = memoryview(data)
        while view:
            if not self._left:
                self._next()
            part = view[: self._left]
            assert self._file is not None
            self._file.write(part)
            self._hash.update(part)
            self._left -= len(part)
            self.size += len(part)
            view = view[len(part) :]
        return len(data)

    def close(self) -> None:
        if self._file is not None:
            self._finish()
        super().close()

    def _next(self) -> None:
        if self._file is not None:
            self._finish()
        self.paths.append(self.path.with_name(f"{self.path.name}.{len(self.paths):03}"))
        self._file = open(self.paths[-1], "wb")  # noqa: SIM115  closed with the piece
        self._hash = hashlib.sha256()
        self._left = self.most

    def _finish(self) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None
        self.sums.append(self._hash.hexdigest())


def _add(archive: tarfile.TarFile, path: str, name: str) -> int:
    """Add a file or a folder, and return how many files that are."""
    added = 0

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        nonlocal added
        if "__pycache__" in info.name or info.name.endswith(".pyc"):
            return None
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        added += info.isfile()
        return info

    archive.add(path, name, filter=plain)
    return added


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o755 if name.endswith(".sh") else 0o644
    archive.addfile(info, BytesIO(data))


def _add_wheels(archive: tarfile.TarFile) -> int:
    """Add the wheels of lintseq's requirements for this kind of machine."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", folder]
        done = subprocess.run([*command, *_requirements()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"pip cannot download the wheels to pack: {done.stderr.strip()[-500:]}")
        return _add(archive, folder, "wheels")


def _requirements() -> Iterator[str]:
    yield from (one for one in requires("lintseq") or [] if "extra ==" not in one)
    yield from _NEEDED_TOO


def _run(*, wheels: bool) -> str:
    install = "python3 -m pip install --quiet --no-index --find-links wheels " if wheels else ""
    names = " ".join(sorted(one.split(";")[0].split("<")[0].split(">")[0].split("=")[0] for one in _requirements()))
    lines = [
        "#!/bin/sh",
        "# Starts the study, or goes on with it; the first argument is the folder for all that it makes.",
        'cd "$(dirname "$0")" || exit 1',
        *([install + names + " || exit 1"] if wheels else []),
        "mkdir -p data",
        "export HF_HUB_OFFLINE=1 PYTHONPATH=.",
        'exec python3 -m lintseq study study.toml --data data --output "${1:-out}"',
    ]
    return "\n".join(lines) + "\n"


def _write_unpack(folder: Path, pieces: _Pieces) -> None:
    sums = "".join(f"{total}  {path.name}\n" for total, path in zip(pieces.sums, pieces.paths, strict=True))
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    script = "\n".join(
        [
            "#!/bin/sh",
            "# Puts the study together in the folder that is given, or here.",
            'here="$(cd "$(dirname "$0")" && pwd)"; to="${1:-.}"',
            '(cd "$here" && sha256sum --quiet -c SHA256SUMS) && mkdir -p "$to" || exit 1',
            f'cat "$here"/{ARCHIVE}.* | tar x -C "$to"',
        ]
    )
    path = folder / UNPACK
    path.write_text(script + "\n", encoding="utf-8")
    path.chmod(0o755)
