"""Recipes, studies and examples that come with lintseq, found by name.

An installed lintseq contains their folders in this package; an editable install has them in its repository.
"""

import difflib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lintseq.errors import ConfigError
from lintseq.rows.paths import files_in

_FOLDERS = ("recipes", "studies", "examples")
_KINDS = ("pretrain", "finetune", "study", "example")


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A recipe, study or example that comes with lintseq."""

    kind: str
    """`pretrain`, `finetune` or `study`, the command that takes its name; or `example`."""
    name: str
    """The name for commands, such as `nano`."""
    path: str
    """Its path below the folder that `copy_bundled` copies to, such as `recipes/nano/finetune.toml`."""
    description: str
    """What it is, on one line."""


def bundled_folder() -> Path:
    """Return the folder that contains the folders of recipes, studies and examples."""
    package = Path(__file__).parent
    return package if (package / _FOLDERS[0]).is_dir() else package.parents[2]


def list_bundled() -> list[BundledFile]:
    """Return the recipes, studies and examples that come with lintseq, by kind and name."""
    return sorted([*_settings(), *_examples()], key=lambda file: (_KINDS.index(file.kind), file.path))


def find_bundled(path: str, kind: str = "") -> str:
    """Return `path` if it exists; otherwise the bundled file of this path, or kind and name, if there is one."""
    if os.path.isfile(path) if kind in _KINDS else os.path.exists(path):
        return path
    paths = [path] if path.startswith(tuple(f"{folder}/" for folder in _FOLDERS)) else []
    paths += [file.path for file in list_bundled() if (file.kind, file.name) == (kind, path)]
    return next((str(found) for name in paths if (found := bundled_folder() / name).exists()), path)


def find_recipe(name: str, kind: str) -> str:
    """Return the path of a recipe or study: an existing file, or a bundled one of this kind.

    Raises `ConfigError`, which lists the nearest names, if there is none.
    """
    if os.path.isfile(path := find_bundled(name, kind)):
        return path
    files = [file for file in list_bundled() if file.kind != "example"]
    if other := next((file.kind for file in files if file.name == name), None):
        raise ConfigError(f"{name} is a {_title(other)}; use it with `lintseq {other}`")
    names = [file.name for file in files if file.kind == kind]
    near = difflib.get_close_matches(Path(name).stem, names, n=3) or names
    raise ConfigError(
        f"cannot read the {_title(kind)} {name}: there is no such file, and none of this name comes with lintseq;"
        f" the nearest names are {', '.join(near)}"
    )


def copy_bundled(name: str, folder: str = ".", *, overwrite: bool = False) -> list[str]:
    """Copy what comes with lintseq to a folder, with the paths that recipes and studies refer to; return the paths.

    `name` is a name or path from `list_bundled`, which stands for all files of that name, or `recipes`, `studies` or
    `examples`. Raises `ConfigError` if there is nothing of this name, or if a file exists, has other contents, and
    should not be overwritten.
    """
    root = bundled_folder()
    files = {file.path: file.name for file in list_bundled()}
    paths = [path for path, known in files.items() if name.rstrip("/") in (path, known, path.partition("/")[0])]
    if not paths:
        near = difflib.get_close_matches(name, {*_FOLDERS, *files.values(), *files}, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`lintseq recipes` lists the names"
        raise ConfigError(f"nothing that comes with lintseq is named {name}; {hint}")
    if name.rstrip("/") in _FOLDERS:
        paths = [name.rstrip("/")]
    sources = [Path(file) for path in paths for file in _files(root / path)]
    sources = list(dict.fromkeys([*sources, *(schema for path in sources for schema in _schemas(path))]))
    targets = [Path(folder, source.relative_to(root)) for source in sources]
    for source, target in zip(sources, targets, strict=True):
        if target.exists() and not overwrite and not (target.is_file() and target.read_bytes() == source.read_bytes()):
            raise ConfigError(f"{target} exists; choose another folder, or replace it with --overwrite")
    for source, target in zip(sources, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return list(map(str, targets))


def _files(path: Path) -> list[str]:
    return files_in(str(path)) if path.is_dir() else [str(path)]


def _schemas(path: Path) -> Iterator[Path]:
    """Yield the schema that the first line of a recipe or study names."""
    with path.open("rb") as file:
        if (line := file.readline()).startswith(b"#:schema "):
            yield Path(os.path.normpath(path.parent / line.decode().split()[1]))


def _title(kind: str) -> str:
    return "study" if kind == "study" else f"recipe for {kind}"


def _settings() -> Iterator[BundledFile]:
    """Yield the recipes and studies; a file that is named after its kind takes the name of its folder."""
    root = bundled_folder()
    for path in sorted([*root.glob("recipes/*/*.toml"), *root.glob("studies/*.toml")]):
        kind = "finetune" if path.stem.startswith("finetune") else "pretrain"
        name = path.parent.name if path.stem == kind else path.stem.removeprefix(f"{kind}-")
        if path.parent.name == "studies":
            kind = "study"
        comment = re.match(r"(?:#:.*\n)*((?:#.*\n)*)", path.read_text(encoding="utf-8"))
        text = " ".join(comment[1].replace("#", " ").split()) if comment else ""
        sentence = re.split(r"(?<=[.?]) ", text)[0]
        yield BundledFile(kind, name, path.relative_to(root).as_posix(), sentence)


def _examples() -> Iterator[BundledFile]:
    """Yield the examples, as the tables in their README describe them."""
    root = bundled_folder() / "examples"
    rows = re.findall(r"(?m)^\| `([\w./]+)` \| (.+) \|$", (root / "README.md").read_text(encoding="utf-8"))
    for name, description in rows:
        if (root / name).exists():
            yield BundledFile("example", name, f"examples/{name}", description.replace("`", ""))
