"""Tokenizing and packing compared with `datasets.map` and datatrove's `DocumentTokenizer`: tokens per second.

All read the same JSON lines with the same number of processes, encode each document with the same tokenizer, append
the end token, and write tokens to disk from which rows of 1,024 can be read. The code for `datasets` follows the
example `run_clm.py` of transformers: a batched `map` that tokenizes, and one that concatenates and cuts. Whole
processes are timed, alternating.
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
from lintseq.lm.loading import load_tokenizer
from lintseq.lm.recipes import CorpusOptions, CorpusSource

if __name__ == "__main__":
    data = CorpusOptions(train=(CorpusSource(path=sys.argv[1], field="text"),))
    corpus = build_corpus(data, load_tokenizer(sys.argv[2]), sys.argv[3], workers=int(sys.argv[4]))
    print(corpus.tokens("train"))
"""

DATASETS = f"""
import os
import sys
from itertools import chain
import datasets
from transformers import AutoTokenizer

datasets.disable_progress_bars()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[2])
workers = int(sys.argv[4])


def encode(rows):
    options = dict(add_special_tokens=False, split_special_tokens=True, return_attention_mask=False)
    ids = tokenizer(rows["text"], **options)["input_ids"]
    return {{"input_ids": [document + [tokenizer.eos_token_id] for document in ids]}}


def cut(rows):
    joined = list(chain.from_iterable(rows["input_ids"]))
    whole = len(joined) // {LENGTH} * {LENGTH}
    return {{"input_ids": [joined[start : start + {LENGTH}] for start in range(0, whole, {LENGTH})]}}


if __name__ == "__main__":
    files = sorted(os.path.join(sys.argv[1], name) for name in os.listdir(sys.argv[1]))
    rows = datasets.load_dataset("json", data_files=files, split="train", cache_dir=sys.argv[3] + ".cache")
    encoded = rows.map(encode, batched=True, remove_columns=rows.column_names, num_proc=workers)
    packed = encoded.map(cut, batched=True, num_proc=workers)
    packed.save_to_disk(sys.argv[3])
"""

DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer

if __name__ == "__main__":
    texts, tokenizer, output, workers = sys.argv[1:]
    steps = [
        JsonlReader(texts),
        DocumentTokenizer(
            output, tokenizer + "/tokenizer.json", eos_token="<|endoftext|>", shuffle_documents=False
        ),
    ]
    LocalPipelineExecutor(steps, tasks=int(workers), workers=int(workers), logging_dir=output + ".cache").run()
"""

CONTENDERS = {"lintseq": OURS, "datasets.map": DATASETS, "datatrove DocumentTokenizer": DATATROVE}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=float, default=60, help="size of the texts in MB (default: 60)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each tool (default: 3)")
    parser.add_argument("--vocab", type=int, default=8192, help="vocabulary size of the tokenizer (default: 8192)")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--processes", type=int, default=cores, help="worker processes (default: all cores)")
    options = parser.parse_args()
    processes = options.processes
    report = Report("packing", "Tokenizing and packing compared with datasets.map and datatrove")
    costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        size, documents = write_texts(folder / "texts", options.megabytes * 1e6, processes)
        note(f"{documents:,} documents, {size / 1e6:.1f} MB")
        command = [sys.executable, "-m", "lintseq", "tokenizer", "train", folder / "texts"]
        run([*command, "--vocab", str(options.vocab), "--megabytes", "10", "--output", folder / "tokenizer"])
        for _ in range(options.repeats):
            for contender in CONTENDERS:
                cost, sizes[contender] = once(folder, contender, processes)
                costs[contender].append(cost)
                note(f"{contender}: {cost.seconds:.1f} s, {cost.cpu_seconds:.1f} s of CPU")
        tokens = int(costs["lintseq"][0].output.split()[-1])
    wall = {name: median(cost.seconds for cost in found) for name, found in costs.items()}
    processor = {name: median(cost.cpu_seconds for cost in found) for name, found in costs.items()}
    report.tables.append(
        Table(
            f"{tokens:,} tokens of {documents:,} Python files, {processes} processes, median of {options.repeats}",
            ["", "s", "tokens per second", "CPU s", "tokens per CPU second", "MB on disk"],
            [
                [
                    name,
                    f"{wall[name]:.1f}",
                    f"{tokens / wall[name]:,.0f}",
                    f"{processor[name]:.1f}",
                    f"{tokens / processor[name]:,.0f}",
                    f"{sizes[name] / 1e6:.0f}",
                ]
                for name in costs
            ],
        )
    )
    report.notes.append(
        f"Python files of the interpreter and its packages, {size / 1e6:.0f} MB, a byte-level BPE of {options.vocab:,}"
        " tokens. Whole processes, alternating so that other load affects all of them; CPU seconds"
        " include child processes and are less sensitive to load."
    )
    others = [name for name in CONTENDERS if name != "lintseq"]
    report.goals += [
        Goal(f"tokens per CPU second, relative to {name}", processor[name] / processor["lintseq"], least=0.8)
        for name in others
    ]
    report.numbers = {
        "tokens": tokens,
        "tokens_per_second": {name: round(tokens / wall[name]) for name in costs},
        "tokens_per_cpu_second": {name: round(tokens / processor[name]) for name in costs},
        "versions": {
            name: package_version(name) for name in ("datasets", "datatrove", "tokenizers", "transformers", "numpy")
        },
    }
    report.publish(options.results)


def once(folder: Path, contender: str, processes: int) -> tuple[Cost, int]:
    """Run a contender; return its cost and the bytes on disk."""
    script, output = folder / "contender.py", folder / "output"
    script.write_text(CONTENDERS[contender])
    cost = run([sys.executable, script, folder / "texts", folder / "tokenizer", output, str(processes)])
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    subprocess.run(["rm", "-rf", output, f"{output}.cache"], check=True)
    return cost, size


def write_texts(folder: Path, size: float, files: int) -> tuple[int, int]:
    """Write installed Python files as JSON lines, `size` bytes divided between files; return bytes and documents."""
    folder.mkdir()
    written = documents = 0
    streams = [(folder / f"{number}.jsonl").open("w") for number in range(files)]
    for _, source in python_files(installed_folders()):
        text = read_python(source)
        if not text or written >= size:
            continue
        row: dict[str, Any] = {"text": text.encode("utf-8", "replace").decode()}
        streams[documents % files].write(json.dumps(row) + "\n")
        written += len(row["text"].encode())
        documents += 1
    for stream in streams:
        stream.close()
    return written, documents


if __name__ == "__main__":
    main()
