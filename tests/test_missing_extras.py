"""A package that is not installed is reported in one line that names its extra, on a machine that lacks it."""

import importlib.util
from pathlib import Path

import pytest

import lintseq
from lintseq.cli import main

BUILD = "build pairs.jsonl --output"
CASES = [
    ("pyarrow", "parquet", f"{BUILD} edits.parquet"),
    ("pyarrow", "parquet", "build pairs.parquet --output edits.jsonl"),
    ("datasets", "hub", "build hf:owner/name --output edits.jsonl"),
    ("fsspec", "remote", "build s3://bucket/pairs.jsonl --output edits.jsonl"),
    ("pylint", "linters", f"{BUILD} edits.jsonl --linter pylint"),
    ("pylint", "linters", f"{BUILD} edits.jsonl --certify pylint"),
    ("ruff", "linters", f"{BUILD} edits.jsonl --linter ruff"),
    ("tokenizers", "tokens", "stats edits.jsonl --tokenizer tokenizer.json"),
    ("tokenizers", "tokens", f"{BUILD} edits.jsonl --max-tokens 900 --tokenizer tokenizer.json"),
    ("transformers", "train", f"{BUILD} edits.jsonl --max-tokens 900 --tokenizer tokenizer.json --shape messages"),
    ("tokenizers", "train", "tokenizer train pairs.jsonl --vocab 500 --output tokenizer"),
    ("transformers", "train", "tokenizer extend model --output tokenizer"),
    ("torch", "train", "pretrain nano --output model"),
    ("torch", "train", "finetune nano --output model"),
    ("torch", "train", "finetune nano --plan"),
    ("torch", "train", "study toy --output study"),
    ("torch", "train", "solve text --model model"),
    ("torch", "train", "complete --model model --prompts edits --benchmark problems.jsonl --output completions.jsonl"),
    ("openai", "openai", "solve text --model model --backend openai --url http://127.0.0.1:9"),
]


@pytest.mark.parametrize(("package", "extra", "command"), CASES, ids=[command for *_, command in CASES])
def test_a_missing_extra_is_named_in_one_line(
    package: str,
    extra: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    monkeypatch.chdir(tmp_path)
    lintseq.copy_bundled("examples", str(tmp_path))
    for name in ("pairs.jsonl", "problems.jsonl"):
        (tmp_path / name).write_bytes((tmp_path / "examples" / name).read_bytes())
    (tmp_path / "pairs.parquet").write_bytes(b"PAR1")
    lintseq.build([tmp_path / "pairs.jsonl"], tmp_path / "edits.jsonl")
    (tmp_path / "tokenizer.json").write_text("{}")
    for name in ("base", "tokenizer", "edits.jsonl", "linted.jsonl", "random.jsonl"):  # what the nano recipes read
        (tmp_path / "out" / "nano-demo" / name).mkdir(parents=True)
    status = main([*command.split(), *(["--overwrite"] if command.startswith("build") else [])])
    message = capsys.readouterr().err.rstrip("\n").rpartition("\n")[2]
    if status != 2 or not message.startswith("lintseq: ") or not message.endswith(f": pip install 'lintseq[{extra}]'"):
        pytest.fail(f"{command} exits with {status}: {message}")  # no assertion: conftest.py would skip the test
