"""Tokenizing and packing beside `datasets.map` with the same tokenizer: tokens a second, from a file to rows on disk.

Both read the same JSON lines with the same number of processes, encode each document with the same tokenizer, put the
end token behind it, and leave rows of 1,024 tokens on disk. That of `datasets` is the way of transformers' own example
(`run_clm.py`): a batched `map` that tokenizes, a batched `map` that concatenates and cuts. Whole processes are timed,
from start to end, in turns.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from common import (
    Cost,
    Goal,
    Report,
    Table,
    arguments,
    installed_folders,
    note,
    package_version,
    python_files,
    read_python,
    run,
)

LENGTH = 1024

OURS = """
import sys
from lintseq.lm.corpus import build_corpus
from lintseq.lm.recipes import CorpusOptions, CorpusSource
from lintseq.lm.loading import load_tokenizer

if __name__ == "__main__":
    data = CorpusOptions(train=(CorpusSource(path=sys.argv[1], field="text"),))
    corpus = build_corpus(data, load_tokenizer(sys.argv[2]), sys.argv[3], workers=int(sys.argv[4]))
    print(corpus.tokens("train"))
"""

THEIRS = f"""
import sys
from itertools import chain
import datasets
from transformers import AutoTokenizer

datasets.disable_progress_bars()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[2])
workers = int(sys.argv[4])


def encode(rows):
    how = dict(add_special_tokens=False, split_special_tokens=True, return_attention_mask=False)
    ids = tokenizer(rows["text"], **how)["input_ids"]
    return {{"input_ids": [one + [tokenizer.eos_token_id] for one in ids]}}


def cut(rows):
    joined = list(chain.from_iterable(rows["input_ids"]))
    whole = len(joined) // {LENGTH} * {LENGTH}
    return {{"input_ids": [joined[place : place + {LENGTH}] for place in range(0, whole, {LENGTH})]}}


if __name__ == "__main__":
    rows = datasets.load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=sys.argv[3] + ".cache")
    encoded = rows.map(encode, batched=True, remove_columns=rows.column_names, num_proc=workers)
    packed = encoded.map(cut, batched=True, num_proc=workers)
    packed.save_to_disk(sys.argv[3])
    print(sum(map(len, encoded["input_ids"])))
"""

COUNTED = '    print(sum(map(len, encoded["input_ids"])))\n'


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=float, default=60, help="size of the texts (default: 60)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--vocab", type=int, default=8192, help="tokens of the tokenizer (default: 8192)")
    options = parser.parse_args()
    processes = len(os.sched_getaffinity(0))
    report = Report("packing", "Tokenizing and packing beside datasets.map")
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        size, documents = write_texts(folder / "texts.jsonl", options.megabytes * 1e6)
        note(f"{documents:,} documents, {size / 1e6:.1f} MB")
        command = [sys.executable, "-m", "lintseq", "tokenizer", "train", folder / "texts.jsonl"]
        run([*command, "--vocab", str(options.vocab), "--megabytes", "20", "--output", folder / "tokenizer"])
        (folder / "ours.py").write_text(OURS)
        (folder / "theirs.py").write_text(THEIRS.replace(COUNTED, ""))
        tokens = int(once(folder, "ours", processes, 0).output.split()[-1])
        same = count_theirs(folder, processes) == tokens
        costs: dict[str, list[Cost]] = {"ours": [], "theirs": []}
        for number in range(1, options.repeats + 1):
            for which, found in costs.items():
                found.append(once(folder, which, processes, number))
                note(f"{which}: {found[-1].seconds:.1f} s, {found[-1].processor_seconds:.1f} s of processor")
    wall = {name: median(one.seconds for one in found) for name, found in costs.items()}
    processor = {name: median(one.processor_seconds for one in found) for name, found in costs.items()}
    disk = {name: sizes[name] for name in costs}
    titles = {"ours": "lintseq", "theirs": "datasets.map"}
    report.tables.append(
        Table(
            f"{tokens:,} tokens of {documents:,} Python files, {processes} processes, median of {options.repeats}",
            ["", "s", "tokens a second", "processor, s", "tokens a processor second", "MB on disk"],
            [
                [
                    titles[name],
                    f"{wall[name]:.1f}",
                    f"{tokens / wall[name]:,.0f}",
                    f"{processor[name]:.1f}",
                    f"{tokens / processor[name]:,.0f}",
                    f"{disk[name] / 1e6:.0f}",
                ]
                for name in costs
            ],
        )
    )
    report.notes.append(
        f"Python files of the interpreter and its packages, {size / 1e6:.0f} MB, a byte-level BPE of {options.vocab:,}"
        " tokens. Whole processes, in turns, so that what else the machine does falls on both; *processor* counts all"
        " their children, and suffers less from company."
    )
    report.goals += [
        Goal("tokens a second, beside datasets.map", wall["theirs"] / wall["ours"], least=1),
        Goal("tokens a processor second, beside datasets.map", processor["theirs"] / processor["ours"], least=1),
        Goal("both count the same tokens", int(same), least=1),
    ]
    report.numbers = {
        "tokens": tokens,
        "tokens_per_second": {name: round(tokens / wall[name]) for name in costs},
        "tokens_per_processor_second": {name: round(tokens / processor[name]) for name in costs},
        "ratio": round(wall["theirs"] / wall["ours"], 2),
        "processor_ratio": round(processor["theirs"] / processor["ours"], 2),
        "versions": {name: package_version(name) for name in ("datasets", "tokenizers", "transformers", "numpy")},
    }
    report.publish(options.results)


sizes: dict[str, int] = {}
"""Bytes on disk that each left."""


def once(folder: Path, name: str, processes: int, number: int) -> Cost:
    """Run one of the two from start to end."""
    output = folder / f"{name}-{number}"
    words = [sys.executable, folder / f"{name}.py", folder / "texts.jsonl", folder / "tokenizer"]
    cost = run([*words, output, str(processes)])
    sizes[name] = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    subprocess.run(["rm", "-rf", output, f"{output}.cache"], check=True)
    return cost


def count_theirs(folder: Path, processes: int) -> int:
    """Return how many tokens `datasets` finds; not timed, for counting takes time that packing does not need."""
    (folder / "count.py").write_text(THEIRS)
    return int(once(folder, "count", processes, 0).output.split()[-1])


def write_texts(path: Path, size: float) -> tuple[int, int]:
    """Write installed Python files as JSON lines until there is so much of them; return bytes and documents."""
    written = documents = 0
    with path.open("w") as file:
        for _, source in python_files(installed_folders()):
            text = read_python(source)
            if not text or written >= size:
                continue
            row: dict[str, Any] = {"text": text.encode("utf-8", "replace").decode()}
            file.write(json.dumps(row) + "\n")
            written += len(row["text"].encode())
            documents += 1
    return written, documents


assert COUNTED in THEIRS


if __name__ == "__main__":
    main()
