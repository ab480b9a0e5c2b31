"""Count the lintseq functions that a row passes through in `build`, a completion to its score, an example to its loss.

Each command runs on a small and on a large input with a profiler in each of its processes; a function is on the path
if the large input calls it more often. Analyses, walks and codecs are counted separately. Code inside the sandbox is
not counted.

    python benchmarks/journeys.py            # the numbers
    python benchmarks/journeys.py --names    # and the functions
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
CORE = ("needs", "languages", "linting", "walks", "codecs", "edits", "program", "analysis", "sampling")
"""Packages counted separately; the last two are their earlier names."""


def calls_of(run: Callable[[], object]) -> Counter[str]:
    """Return how often each lintseq function is called, in this process and those forked from it."""
    import lintseq

    package = str(Path(lintseq.__file__).parent)
    with tempfile.NamedTemporaryFile() as file:
        log = os.open(file.name, os.O_WRONLY | os.O_APPEND)

        def note(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and (path := frame.f_code.co_filename).startswith(package):
                function = frame.f_code.co_qualname
                if not function.endswith(">"):  # comprehensions and lambdas are part of the enclosing function
                    os.write(log, f"{path[len(package) + 1 :]}:{function}\n".encode())

        sys.setprofile(note)
        try:
            run()
        finally:
            sys.setprofile(None)
            os.close(log)
        return Counter(Path(file.name).read_text().splitlines())


def command(*arguments: str) -> Callable[[], object]:
    from lintseq.cli import main

    def run() -> None:
        if status := main(list(arguments)):
            raise SystemExit(f"lintseq {' '.join(arguments)} exits with status {status}")

    return run


def build(folder: Path, size: int) -> Callable[[], object]:
    from lintseq.dataset import pipeline

    pairs = [json.loads(line) for line in (ROOT / "examples" / "pairs.jsonl").read_text().splitlines()]
    rows = folder / "rows.jsonl"
    # More rows than are read to detect the columns.
    numbered = ({**pairs[number % len(pairs)], "id": str(number)} for number in range(100 * size))
    rows.write_text("".join(json.dumps(row) + "\n" for row in numbered))
    output = ["--output", str(folder / "edits.jsonl"), "--overwrite", "--workers", "1", "-q"]
    pipeline.SAVE_SECONDS = float("inf")  # progress is saved once per second, regardless of the number of rows
    return command("build", str(rows), *output)


def evaluate(folder: Path, size: int) -> Callable[[], object]:
    rows = (ROOT / "examples" / "completions.jsonl").read_text().splitlines(keepends=True)
    completions = folder / "completions.jsonl"
    completions.write_text("".join(rows[: 5 * size]))
    options = [
        "--benchmark",
        str(ROOT / "examples" / "problems.jsonl"),
        "--partial",
        "--k",
        "1",
        "--workers",
        "1",
        "-q",
    ]
    return command("evaluate", str(completions), *options, "--output", str(folder / "results.jsonl"), "--overwrite")


def finetune(folder: Path, size: int) -> Callable[[], object]:
    base = folder / "base"
    edits = folder / "training.jsonl"
    if not base.exists():
        from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

        source = str(folder / "edits.jsonl")
        command("build", str(ROOT / "examples" / "pairs.jsonl"), "--output", source, "--overwrite", "-q")()
        options = ["--read", "edits", "--vocab", "300", "--output", str(base)]
        command("tokenizer", "train", source, *options)()
        vocabulary = len(AutoTokenizer.from_pretrained(base))
        config = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=1,
            max_position_embeddings=4096,
        )
        AutoModelForCausalLM.from_config(config).save_pretrained(base)
    rows = (folder / "edits.jsonl").read_text().splitlines(keepends=True)[: 8 * size]
    edits.write_text("".join(rows))
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'model = "{base}"\n[data]\ntrain = "{edits}"\nmax_tokens = 4096\n[match]\nby = "none"\nepochs = 1\n'
        '[optim]\nlr = 1e-3\n[run]\nbatch = 2\nmicro_batch = 1\ndevice = "cpu"\nprecision = "fp32"\n'
    )
    return command("finetune", str(recipe), "--output", str(folder / "model"), "--overwrite", "--quiet")


JOURNEYS = {"a row through build": build, "a completion to its score": evaluate, "an example to its loss": finetune}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", action="store_true", help="print the functions, not only their number")
    parser.add_argument("--only", choices=("build", "evaluate", "finetune"), help="count one path")
    options = parser.parse_args()
    for title, journey in JOURNEYS.items():
        if options.only not in (None, journey.__name__):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            journey(folder, 1)()  # imports and cached calls are not on the path
            small, large = (calls_of(journey(folder, size)) for size in (1, 5))
        path = sorted(function for function, calls in large.items() if calls > small[function])
        core = [function for function in path if function.replace(".", "/").split("/")[0] in CORE]
        rest = [function for function in path if function not in core]
        print(f"{title}: {len(rest)} functions, and {len(core)} of the analysis, the walk and the codec")
        if options.names:
            print("".join(f"    {function}\n" for function in rest), end="")


if __name__ == "__main__":
    main()
