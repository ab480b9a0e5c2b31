"""Sharing what lintseq wrote: a folder becomes a repository of the Hugging Face Hub (extra `hub`).

Uploading is left to `huggingface_hub`. This module decides what is uploaded: all files of a data set or of a model, if
they are files that lintseq writes and name nothing of this machine.
"""

import os
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from lintseq.errors import ConfigError, ToolError
from lintseq.storage import MANIFEST, read_manifest

Kind = Literal["dataset", "model"]

README = "README.md"
_BOTH = (README, MANIFEST, "LICENSE*", ".gitattributes")
_FILES: dict[Kind, tuple[str, ...]] = {
    "dataset": (*_BOTH, *(f"data/{part}-*.{kind}" for part in ("train", "test") for kind in ("parquet", "jsonl*"))),
    "model": (
        *(*_BOTH, "recipe.toml", "plan.json", "log.jsonl", "loss.svg", "*.safetensors", "*.safetensors.index.json"),
        *("config.json", "generation_config.json", "*token*.json", "vocab.json", "merges.txt", "*.model", "*.jinja"),
    ),
}
"""What is uploaded. Other files are refused: they may be private."""
_TEXTS = (README, MANIFEST, "recipe.toml", "plan.json", "*config.json")
"""Files that are searched for local paths."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What was uploaded, or would be."""

    folder: str
    """The folder."""
    kind: Kind
    """What it contains."""
    files: dict[str, int]
    """Bytes of each file."""
    license: str | list[str] | None
    """The license that the card names."""
    url: str | None
    """The page of the repository; None if nothing was uploaded."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def push(folder: str | os.PathLike[str], repo: str, *, private: bool = False, dry_run: bool = False) -> PushReport:
    """Upload a data set or a model that lintseq wrote to a repository of the Hugging Face Hub.

    `repo` is NAME or OWNER/NAME; it is created if it does not exist, visible only to its owner if `private`. The token
    is that of `huggingface_hub`: `HF_TOKEN`, or the one saved by `hf auth login`. With `dry_run`, nothing is uploaded.

    Raises `ConfigError` for a folder that cannot be shared, with the reason, or a request that the Hub refuses, and
    `ToolError` if the Hub cannot be reached.
    """
    folder = os.fspath(folder)
    kind = _kind_of(folder)
    _check_package(repo)
    files = _files_in(folder, kind)
    license = _license_of(folder, kind)
    url = None if dry_run else _upload(folder, repo, kind, list(files), private=private)
    return PushReport(folder, kind, files, license, url)


def _kind_of(folder: str) -> Kind:
    """Return what is in a folder; raise `ConfigError` unless lintseq wrote it, and completely."""
    if os.path.isfile(folder):
        raise ConfigError(f"{folder} is a file; write a folder with --shards 1, which has a card and can be shared")
    if not os.path.isdir(folder):
        is_unfinished = os.path.isdir(f"{folder.rstrip('/')}.partial")
        raise ConfigError(
            f"{folder} {'is unfinished; complete it with --resume' if is_unfinished else 'does not exist'}"
        )
    settings = (read_manifest(os.path.join(folder, MANIFEST)) or {"settings": {}})["settings"]
    if os.path.isfile(os.path.join(folder, README)):
        if "recipe" in settings:
            return "model"
        if "options" in settings and os.path.isdir(os.path.join(folder, "data")):
            return "dataset"
    raise ConfigError(
        f"{folder} is neither a data set (written with --shards or --shard-rows) nor a model (written by finetune or"
        f" pretrain): it needs the {README} and {MANIFEST} that lintseq writes"
    )


def _files_in(folder: str, kind: Kind) -> dict[str, int]:
    """Return the files of a folder with their sizes; raise `ConfigError` if one of them may be private."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_symlink() or not path.is_dir())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    foreign = [name for name, path in names.items() if path.is_symlink() or not _matches(name, _FILES[kind])]
    if foreign:
        more = f" and {len(foreign) - 5:,} more" if len(foreign) > 5 else ""
        raise ConfigError(
            f"{folder} contains {', '.join(foreign[:5])}{more}, which is not part of a {kind} that lintseq writes and"
            " may be private; move it elsewhere, or upload the folder with huggingface_hub yourself"
        )
    local = [path for path in (os.path.expanduser("~"), os.path.dirname(os.path.abspath(folder))) if path != "/"]
    for name, path in names.items():
        text = path.read_text(encoding="utf-8", errors="replace") if _matches(name, _TEXTS) else ""
        if (found := next((home for home in local if f"{home}/" in text), None)) is not None:
            raise ConfigError(f"{path} names the local folder {found}; remove that first")
    return {name: path.stat().st_size for name, path in names.items()}


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) and name.count("/") == pattern.count("/") for pattern in patterns)


def _check_package(repo: str) -> None:
    try:
        from huggingface_hub.utils import HFValidationError, validate_repo_id
    except ImportError:
        raise ConfigError("pushing needs huggingface_hub: pip install 'lintseq[hub]'") from None
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigError(f"{repo!r} is not the name of a repository, such as alice/edits: {error}") from None


def _license_of(folder: str, kind: Kind) -> str | list[str] | None:
    """Return the license in the metadata of the card, which has to be readable."""
    from huggingface_hub import DatasetCard, ModelCard

    path = os.path.join(folder, README)
    try:
        card = (ModelCard if kind == "model" else DatasetCard).load(path)
    except Exception as error:  # any mistake in YAML
        raise ConfigError(f"the metadata of {path} cannot be read: {error}; correct its first lines") from None
    found: str | list[str] | None = card.data.to_dict().get("license")
    return found


def _upload(folder: str, repo: str, kind: Kind, files: list[str], *, private: bool) -> str:
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if not get_token():
        raise ConfigError("the Hub needs a token; set HF_TOKEN, or run `hf auth login`")
    api = HfApi(library_name="lintseq")
    try:
        created = api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True)
        if private and not api.repo_info(created.repo_id, repo_type=kind).private:
            raise ConfigError(f"{created.repo_id} exists and is public; make it private first, or name another one")
        api.upload_folder(
            folder_path=folder,
            repo_id=created.repo_id,
            repo_type=kind,
            allow_patterns=files,
            commit_message=f"Upload {kind} with lintseq",
        )
    except HfHubHTTPError as error:
        raise ConfigError(_refusal(repo, kind, error.response.status_code, error.server_message or "")) from None
    except (OSError, ConnectionError) as error:
        raise ToolError(f"cannot reach {api.endpoint}: {error}; check the network, or HF_ENDPOINT") from None
    except Exception as error:
        if not type(error).__module__.startswith(("httpx", "requests", "httpcore")):
            raise
        raise ToolError(f"cannot reach {api.endpoint}: {error}; check the network, or HF_ENDPOINT") from None
    return str(created)


def _refusal(repo: str, kind: Kind, status: int, message: str) -> str:
    """Return what a refused request means and what to do."""
    advice = {
        401: "the Hub does not accept the token; set HF_TOKEN to a valid one, or run `hf auth login`",
        403: f"the token may not write to {repo}; use a token with write access, or a repository of your own",
        404: f"the Hub has no {kind} repository {repo} that the token may write to; check the owner's name",
    }
    return f"{advice.get(status, f'the Hub refused to store {repo} (status {status})')}{message and f' ({message})'}"
