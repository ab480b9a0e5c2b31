"""What is shared: no folder that lintseq writes names this machine, and only such folders go to the Hub."""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("huggingface_hub")

from huggingface_hub import DatasetCard, ModelCard

from lintseq.cli import main
from lintseq.errors import ConfigError, ToolError
from lintseq.integrations.hub import push
from lintseq.rows.hub import hub_name

MARKER = "zq-private"
PROGRAM = 'import math\n\n\ndef area(r):\n    """Return the area of a circle."""\n    return math.pi * r * r\n'
ROWS = [
    {"instruction": f"Write {n}.", "program": f"{PROGRAM}\n\nprint(area({n}))\n", "license": "MIT"} for n in range(3)
]
BROKEN = {"instruction": "No.", "program": f"print '{MARKER}'"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory whose name must not show up anywhere, with rows in it."""
    folder = tmp_path / MARKER
    folder.mkdir()
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME"):
        monkeypatch.setenv(name, MARKER)
    monkeypatch.setenv("HOME", str(folder))
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*ROWS, BROKEN]))
    return folder


def mentions(folder: Path, word: str = MARKER) -> list[str]:
    """Return the files in a folder that contain a word, in their names or contents."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if word in path.name or word.encode() in path.read_bytes()]


COMMANDS = {
    "build": ["build", "{}/pairs.jsonl", "--license", "MIT", "--decontaminate", "{}/benchmark.jsonl"],
    "pattern": ["build", "{}/pair*.jsonl", "--shape", "pylintseq"],
    "relative": [
        "build",
        "../{0.name}/pairs.jsonl",
        f"../{MARKER}/../{MARKER}/benchmark.jsonl",
        "--linter",
        "{linter}",
    ],
    "sources": ["build", "{}/lib"],
    "convert": ["convert", "{}/edits.jsonl", "--shape", "messages"],
    "mine": ["mine", "{}/lib", "--functions"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_folder_of_records_names_this_machine(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (home / "benchmark.jsonl").write_text(json.dumps({"prompt": "other " * 30, "program": "y = 2\n"}) + "\n")
    (home / "lib").mkdir()
    (home / "lib" / "circle.py").write_text(PROGRAM)
    (home / "lib" / "old.py").write_text("print 'old'\n")
    (home / "lint").write_text("#!/bin/sh\n")
    (home / "lint").chmod(0o755)
    assert main(["build", str(home / "pairs.jsonl"), "-o", str(home / "edits.jsonl"), "-q"]) == 0
    words = [word.format(home, linter=f"command:{home}/lint {{file}}") for word in COMMANDS[name]]
    kind = "jsonl" if name != "convert" else "parquet"
    assert main([*words, "--output", "out", "--shards", "1", "--shard-kind", kind, "--quiet", "--workers", "1"]) == 0
    assert mentions(Path("out")) == []
    assert MARKER in Path("out.local.json").read_text()
    assert sorted(os.listdir()) == ["out", "out.local.json", "out.rejected.jsonl"]
    report = push("out", "me/out", dry_run=True)
    assert report.kind == "dataset"
    assert set(report.files) == {"README.md", "manifest.json", f"data/train-00000.{kind}"}
    assert main([*words, "--output", "out", "--shards", "1", "--shard-kind", kind, "-q", "--resume"]) == 0


@contextmanager
def served(refuse: int = 0, private: bool = False) -> Iterator[dict[str, Any]]:
    """Run a server that takes repositories like the Hub, or refuses all requests with a status."""
    taken: dict[str, Any] = {"files": {}, "requests": [], "tokens": set()}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Print nothing."""

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"] or 0))
            taken["requests"].append(self.path)
            taken["tokens"].add(self.headers.get("Authorization"))
            if refuse:
                self.answer({"error": "no such luck"}, refuse)
            elif self.path.endswith("/create"):
                taken["repository"] = json.loads(data)
                self.answer({"url": f"{taken['url']}/datasets/me/edits", "name": "me/edits"})
            elif "/preupload/" in self.path:
                paths = [file["path"] for file in json.loads(data)["files"]]
                mode = {"uploadMode": "regular", "shouldIgnore": False}
                self.answer({"files": [{"path": path, **mode} for path in paths]})
            elif "/commit/" in self.path:
                for line in map(json.loads, data.splitlines()):
                    if line["key"] == "file":
                        taken["files"][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                self.answer({"commitUrl": f"{taken['url']}/datasets/me/edits/commit/1", "commitOid": "1" * 40})
            else:
                self.answer({})

        def do_GET(self) -> None:
            taken["requests"].append(self.path)
            found = {"id": "me/edits", "private": private, "sha": "1" * 40}
            self.answer({"error": "no such luck"} if refuse else found, refuse or 200)

        def answer(self, body: Any, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken["url"] = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("huggingface_hub.constants.ENDPOINT", taken["url"])  # HF_ENDPOINT, when it was imported
            patch.setenv("HF_TOKEN", "hf_secret")
            patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
            yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def dataset(home: Path, tmp_path: Path) -> Path:
    words = [str(home / "pairs.jsonl"), "-o", str(tmp_path / "edits"), "--shards", "2", "--license", "MIT"]
    assert main(["build", *words, "--shard-kind", "jsonl", "--quiet", "--workers", "1"]) == 0
    return tmp_path / "edits"


def test_a_data_set_arrives_with_everything_that_the_viewer_reads(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as taken:
        assert main(["push", str(dataset), "me/edits"]) == 0
    assert taken["files"] == {
        path.relative_to(dataset).as_posix(): path.read_bytes() for path in dataset.rglob("*") if path.is_file()
    }
    assert taken["repository"]["name"] == "edits"
    assert taken["tokens"] == {"Bearer hf_secret"}
    card = DatasetCard(taken["files"]["README.md"].decode()).data.to_dict()
    assert card["license"] == "mit"
    assert card["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]
    assert card["dataset_info"]["features"] and card["size_categories"] == ["n<1K"] and "lintseq" in card["tags"]
    out, err = capsys.readouterr()
    assert "uploaded to  http://127.0.0.1" in out and err == ""


def test_a_private_repository_is_one(dataset: Path) -> None:
    with served(private=True) as taken:
        push(dataset, "me/edits", private=True)
    assert "private" in json.dumps(taken["repository"])
    with served() as taken, pytest.raises(ConfigError, match="me/edits exists and is public"):
        push(dataset, "me/edits", private=True)
    assert taken["files"] == {}


def test_a_dry_run_lists_the_files_and_sends_nothing(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served() as taken:
        assert main(["push", str(dataset), "me/edits", "--dry-run"]) == 0
    assert taken["requests"] == []
    out = capsys.readouterr().out
    assert all(name in out for name in ("README.md", "manifest.json", "data/train-00001.jsonl", "nowhere: --dry-run"))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the Hub does not accept the token; set HF_TOKEN to a valid one"),
        (403, "the token may not write to me/edits; use a token with write access"),
        (404, "the Hub has no dataset repository me/edits that the token may write to"),
        (400, r"the Hub refused to store me/edits \(status 400\).*no such luck"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, message: str, dataset: Path) -> None:
    with served(refuse=status), pytest.raises(ConfigError, match=message):
        push(dataset, "me/edits")


def test_a_hub_that_cannot_be_reached_is_an_error_of_one_line(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(ToolError, match=r"cannot reach http://127\.0\.0\.1:9: .*check the network"):
        push(dataset, "me/edits")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["push", str(dataset), "me/edits"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_token_the_message_says_how_to_get_one(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as taken, pytest.raises(ConfigError, match="set HF_TOKEN, or run `hf auth login`"):
        monkeypatch.setenv("HF_TOKEN", "")
        push(dataset, "me/edits")
    assert taken["requests"] == []


@pytest.mark.parametrize(
    "name", ["rejected.jsonl", "edits.local.json", ".env", "data/notes.txt", "data/x/train-0.jsonl", "state.json"]
)
def test_files_that_lintseq_does_not_write_are_refused(name: str, dataset: Path) -> None:
    (dataset / name).parent.mkdir(exist_ok=True)
    (dataset / name).write_text("private")
    with pytest.raises(ConfigError, match=f"contains {name}, which is not part of a dataset"):
        push(dataset, "me/edits", dry_run=True)


def test_links_and_local_paths_are_refused(dataset: Path, home: Path) -> None:
    (dataset / "LICENSE").symlink_to(home / "pairs.jsonl")
    with pytest.raises(ConfigError, match="contains LICENSE"):
        push(dataset, "me/edits", dry_run=True)
    (dataset / "LICENSE").unlink()
    (dataset / "README.md").write_text((dataset / "README.md").read_text() + f"\nFrom {home}/pairs.jsonl.\n")
    with pytest.raises(ConfigError, match=r"README\.md names the local folder"):
        push(dataset, "me/edits", dry_run=True)


@pytest.mark.parametrize(
    ("folder", "repo", "message"),
    [
        ("nothing", "me/edits", "nothing does not exist"),
        ("unfinished", "me/edits", "unfinished is unfinished; complete it with --resume"),
        (f"{MARKER}/pairs.jsonl", "me/edits", "is a file; write a folder with --shards 1"),
        (MARKER, "me/edits", "is neither a data set"),
        ("edits", "a/b/c", "'a/b/c' is not the name of a repository"),
        ("edits", "me/my edits", "is not the name of a repository"),
    ],
)
def test_what_cannot_be_pushed_says_why(
    folder: str, repo: str, message: str, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(dataset.parent)
    Path("unfinished.partial").mkdir()
    with pytest.raises(ConfigError, match=message):
        push(folder, repo, dry_run=True)


def read(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_license_is_added_to_the_card_of_a_data_set(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "edits")
    assert main(["build", str(home / "pairs.jsonl"), "-o", folder, "--shard-rows", "9", "-q", "--workers", "1"]) == 0
    assert main(["push", folder, "me/edits", "--dry-run"]) == 0
    assert (
        f"the card names no license; to let others use this dataset: lintseq card {folder}" in capsys.readouterr().err
    )
    before = DatasetCard.load(f"{folder}/README.md")
    assert main(["card", folder, "--license", "cc-by-4.0"]) == 0
    assert main(["push", folder, "me/edits", "--dry-run"]) == 0
    assert read(capsys) == ""
    after = DatasetCard.load(f"{folder}/README.md")
    assert after.text == before.text
    assert after.data.to_dict() == {**before.data.to_dict(), "license": "cc-by-4.0"}
    assert main(["card", folder]) == 2


# Models


@pytest.fixture
def trained(home: Path) -> dict[str, Any]:
    """Paths of a toy base model, its tokenizer, and data, all in the home directory."""
    from test_training_examples import records, write
    from toys import TEXTS, bare_tokenizer, libraries, toy_model

    libraries()
    pytest.importorskip("tomli_w", reason="needs the extra: pip install 'lintseq[train]'")
    tokenizer = bare_tokenizer()
    for part in (toy_model(len(tokenizer)), tokenizer):
        part.save_pretrained(home / "base")
    texts = ({"text": f"# {number}\n{text}"} for number in range(30) for text in TEXTS)
    return {
        "base": str(home / "base"),
        "edits": write(home / "edits.jsonl", records()),
        "texts": write(home / "texts.jsonl", texts),
    }


def shared(folder: Path) -> dict[str, Any]:
    """Return the metadata of the card of a model whose folder mentions nothing of this machine and can be pushed."""
    assert mentions(folder) == []
    assert MARKER in Path(f"{folder}.local.json").read_text()
    assert push(folder, "me/model", dry_run=True).kind == "model"
    card: dict[str, Any] = ModelCard.load(folder / "README.md").data.to_dict()
    return card


def test_no_folder_of_a_tokenizer_names_this_machine(trained: dict[str, Any], home: Path) -> None:
    for words in (["train", trained["texts"], "--vocab", "300"], ["extend", trained["base"]]):
        output = home / words[0]
        assert main(["tokenizer", *words, "--output", str(output), "--quiet"]) == 0
        assert mentions(output) == []


@pytest.mark.slow
def test_no_folder_of_a_finetuned_model_names_this_machine(trained: dict[str, Any], home: Path) -> None:
    from lintseq.lm.finetuning import finetune
    from lintseq.lm.recipes import FinetuneRecipe, MatchOptions, OptimizerOptions, PairOptions, RunOptions

    recipe = FinetuneRecipe(
        model=trained["base"],
        data=PairOptions(train=trained["edits"], validation=trained["edits"], max_tokens=256),
        optim=OptimizerOptions(lr=1e-2, schedule="constant"),
        match=MatchOptions(by="rows", epochs=0.5),
        run=RunOptions(batch=4, micro_batch=2, device="cpu", log_every=1),
    )
    model = home / "model"
    finetune(recipe, str(model))
    assert shared(model).keys().isdisjoint({"base_model", "license", "datasets"})
    assert main(["card", str(model), "--license", "apache-2.0", "--dataset", "me/edits", "--quiet"]) == 0
    assert main(["card", str(model), "--quiet"]) == 0
    card = shared(model)
    assert (card["license"], card["datasets"]) == ("apache-2.0", ["me/edits"])
    with served() as taken:
        push(model, "me/edits")
    assert {"README.md", "model.safetensors", "tokenizer.json", "recipe.toml", "log.jsonl"} <= taken["files"].keys()


@pytest.mark.slow
def test_no_folder_of_a_pretrained_model_names_this_machine(trained: dict[str, Any], home: Path) -> None:
    from lintseq.lm.pretraining import pretrain
    from lintseq.lm.recipes import (
        Architecture,
        CorpusOptions,
        CorpusSource,
        OptimizerOptions,
        PretrainRecipe,
        RunOptions,
    )

    recipe = PretrainRecipe(
        tokenizer=trained["base"],
        steps=2,
        model=Architecture(layers=1, width=32, heads=2, ffn_width=64, context=48),
        data=CorpusOptions(train=(CorpusSource(path=trained["texts"]),), held_out=0.2),
        optim=OptimizerOptions(lr=1e-2, schedule="constant"),
        run=RunOptions(batch=4, micro_batch=2, device="cpu"),
    )
    pretrain(recipe, str(home / "model"), workers=1)
    shared(home / "model")


def test_the_card_of_a_model_names_its_origins_on_the_hub() -> None:
    pytest.importorskip("tomli_w", reason="needs the extra: pip install 'lintseq[train]'")
    from lintseq.lm.cards import _metadata

    text = _metadata("model", ["code"], "org/base", [], "mit", ["me/edits"])
    card = ModelCard(f"---\n{text}\n---\n").data.to_dict()
    assert (card["license"], card["datasets"], card["base_model"]) == ("mit", ["me/edits"], "org/base")
    assert hub_name("hf:me/edits@main#default:train") == "me/edits"
    assert hub_name("edits.jsonl") is None
