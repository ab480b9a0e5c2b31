"""Axolotl and LLaMA-Factory with the configurations in docs/integrations.md: what do they train on?

Name the environments in which they are installed, each in one of its own, since their dependencies conflict:

    python benchmarks/trainers.py --axolotl .venv-axolotl --llama-factory .venv-llama-factory

Each trains two steps of a model with random weights, and stores the tokens of its examples. The tokens that count in
the loss have to be the completion of the record, and the end of the text.
"""

import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import ROOT, Goal, Report, Table, arguments, note, read_jsonl, save_small_model, share

import lintseq

PAIRS = ROOT / "examples" / "nano" / "pairs.jsonl"
PAGE = ROOT / "docs" / "integrations.md"
PACKAGES = {"axolotl": "axolotl", "llama-factory": "llamafactory"}
ON_CPU = {"axolotl.yaml": "bf16: false\ndevice: cpu\n"}
"""What a configuration needs besides, on a machine without a GPU."""
RECORDS = 40
LENGTH = 512
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
}


def configurations() -> dict[str, str]:
    """Return the configuration files that the page shows, by name."""
    found = re.findall(r"`([\w.-]+)`:\n\n```(?:yaml|json)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    return dict(found)


def prepare(folder: Path) -> None:
    """Write edit sequences, and a small model with random weights and lintseq's tokens."""
    from transformers import AutoTokenizer

    pairs = PAIRS.read_text(encoding="utf-8").splitlines(keepends=True)[:RECORDS]
    (folder / "pairs.jsonl").write_text("".join(pairs), encoding="utf-8")
    edits = folder / "edits.jsonl"
    lintseq.build([folder / "pairs.jsonl"], edits, workers=1)
    options = lintseq.TokenizerOptions(vocab=1024, text=lintseq.TextOptions(read="edits"))
    lintseq.train_tokenizer([str(edits)], str(folder / "model"), options)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<' + m['role'] + '>\n' + m['content'] }}"
        "{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<assistant>\n' }}{% endif %}"
    )
    tokenizer.save_pretrained(folder / "model")
    save_small_model(folder / "model", width=64, layers=2, length=LENGTH)


def train(name: str, environment: Path, folder: Path) -> None:
    """Train as the page says, in the folder of one trainer."""
    layout = lintseq.ConvertOptions(shape="messages")
    lintseq.convert([folder.parent / "edits.jsonl"], folder / "records.jsonl", layout, workers=1)
    (folder / "model").symlink_to(folder.parent / "model")
    for file, text in configurations().items():
        (folder / file).write_text(text + ON_CPU.get(file, ""), encoding="utf-8")
    if name == "axolotl":
        call([environment / "bin" / "axolotl", "train", "axolotl.yaml"], folder)
    else:
        command = [environment / "bin" / "llamafactory-cli", "train", "llama-factory.yaml", "tokenized_path=prepared"]
        call(command, folder)  # prepares the examples
        call(command, folder)


def call(command: Sequence[str | Path], folder: Path) -> str:
    """Run a command, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **QUIET, "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} exited with status {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def trained_texts(folder: Path) -> list[str]:
    """Return the text of each example that counts in the loss."""
    from datasets import load_from_disk
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    state = next(path for path in folder.rglob("state.json") if "prepared" in path.parts)
    examples: Any = load_from_disk(str(state.parent))
    return [str(tokenizer.decode([label for label in row["labels"] if label >= 0])) for row in examples]


def judge(name: str, environment: Path, folder: Path) -> list[Any]:
    """Train, and return how many examples there are, and in how many of them the right text counts in the loss."""
    folder.mkdir()
    train(name, environment, folder)
    completions = Counter(row["messages"][-1]["content"] for row in read_jsonl(folder / "records.jsonl"))
    end = json.loads((folder / "model" / "tokenizer_config.json").read_text())["eos_token"]
    texts = [text.rstrip("\n") for text in trained_texts(folder)]  # a template may end with a newline
    alone = completions & Counter(text.removesuffix(end) for text in texts)
    code = f"from importlib.metadata import version; print(version('{PACKAGES[name]}'))"
    version = call([environment / "bin" / "python", "-c", code], folder).strip()
    return [version, completions.total(), alone.total(), sum(text.endswith(end) for text in texts)]


def main() -> None:
    parser = arguments(__doc__)
    for name in PACKAGES:
        parser.add_argument(f"--{name}", type=Path, help="the environment in which it is installed")
    options = parser.parse_args()
    environments = {name: getattr(options, name.replace("-", "_")) for name in PACKAGES}
    environments = {name: path.resolve() for name, path in environments.items() if path is not None}
    if not environments:
        parser.error("name an environment: --axolotl DIR, --llama-factory DIR, or both")
    found = {}
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        prepare(Path(name))
        for trainer, environment in environments.items():
            found[trainer] = judge(trainer, environment, Path(name, trainer))
            note(f"{trainer}: done")
    report = Report("trainers", "Axolotl and LLaMA-Factory with the configurations of the documentation")
    header = ["trainer", "version", "examples", "the completion alone counts", "and the end of the text"]
    report.tables = [Table("What counts in the loss", header, [[name, *row] for name, row in found.items()])]
    for trainer, (_, examples, *counts) in found.items():
        for what, count in zip(("the completion alone", "the end of the text"), counts, strict=True):
            report.goals.append(
                Goal(f"{trainer}: examples in which {what} counts, %", share(count, examples), least=100)
            )
    report.publish(options.results)


if __name__ == "__main__":
    main()
