"""Tokens per second compared with a plain loop over transformers' `generate`, and the effect of the batch size.

    python benchmarks/generation.py --model MODEL --data DATA

The plain loop is the one in the paper's code: completions in the order of the problems, in batches of eight, each of
which runs until its last completion ends. Both generate the same number of completions with the same settings,
from the same weights, in the same process, one after the other. We compare CPU seconds, which are stable on a shared
machine.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from common import Goal, Report, Table, arguments, note, package_version

from lintseq.benchmarks import load_problems
from lintseq.lm.backends.backend import GenerationRequest, SamplingParameters
from lintseq.lm.backends.transformers import LocalModel, open_model
from lintseq.lm.generation import prompts_of, requests_of

PLAIN_BATCH = 8


@dataclass(frozen=True, slots=True)
class Speed:
    """The cost of generating completions."""

    completions: int
    tokens: int
    steps: int
    """Tokens processed, including those of rows that had already ended."""
    cpu_seconds: float
    seconds: float

    def row(self, name: str) -> list[object]:
        return [
            name,
            self.completions,
            f"{self.tokens:,}",
            f"{100 * (1 - self.tokens / self.steps):.1f} %",
            f"{self.cpu_seconds:.1f}",
            f"{self.seconds:.1f}",
            f"{self.tokens / self.cpu_seconds:.1f}",
        ]


def timed(work: Callable[[], tuple[int, int, int]]) -> Speed:
    """Return the cost of `work`, which returns completions, tokens and steps."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    completions, tokens, steps = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Speed(completions, tokens, steps, used, time.perf_counter() - started)


def ours(model: LocalModel, requests: list[GenerationRequest], sampling: SamplingParameters) -> tuple[int, int, int]:
    done = list(model.generate(requests, sampling))
    tokens = sum(completion.completion_tokens or 0 for completion in done)
    return len(done), tokens, tokens


@torch.inference_mode()
def plain(model: LocalModel, requests: list[GenerationRequest], sampling: SamplingParameters) -> tuple[int, int, int]:
    """Generate with transformers, eight completions at a time in the order of the requests."""
    tokenizer = model.tokenizer
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    tokens = steps = 0
    torch.manual_seed(0)
    for start in range(0, len(requests), PLAIN_BATCH):
        prompts = [model.prompt_ids(request.prompt) for request in requests[start : start + PLAIN_BATCH]]
        width = max(map(len, prompts))
        ids = torch.tensor(
            [[pad] * (width - len(prompt_ids)) + prompt_ids for prompt_ids in prompts], device=model.device
        )
        mask = torch.tensor(
            [[0] * (width - len(prompt_ids)) + [1] * len(prompt_ids) for prompt_ids in prompts], device=model.device
        )
        out = model.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=0,
            max_new_tokens=sampling.max_tokens,
            min_new_tokens=sampling.min_tokens,
            pad_token_id=pad,
        )[:, width:].tolist()
        tokens += sum(
            next((n for n, token in enumerate(row, 1) if token in model.end_tokens), len(row)) for row in out
        )
        steps += sum(map(len, out))
        note(f"plain: {start + len(prompts)} of {len(requests)}")
    return len(requests), tokens, steps


@torch.inference_mode()
def rounding(model: LocalModel, requests: list[GenerationRequest], sampling: SamplingParameters) -> dict[str, Any]:
    """Return how much batching changes the logits, and the completions with the same seeds."""
    ids = model.prompt_ids(requests[0].prompt)[:64]
    alone = model.model(input_ids=torch.tensor([ids], device=model.device)).logits[0].float()
    among = model.model(input_ids=torch.tensor([ids] * 16, device=model.device)).logits[0].float()
    texts = []
    for batch in (1, len(requests)):
        sized = LocalModel(model.model, model.tokenizer, batch=batch)
        texts.append(
            {completion.request.task_id: completion.text for completion in sized.generate(requests, sampling)}
        )
    same = sum(texts[0][name] == texts[1][name] for name in texts[0])
    return {
        "largest_difference_of_logits": float((alone - among).abs().max()),
        "identical_completions": same,
        "completions_compared": len(requests),
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", required=True, help="a model folder, or a name on the Hugging Face Hub")
    parser.add_argument("--data", help="directory of the benchmark files")
    parser.add_argument("--benchmark", default="humaneval")
    parser.add_argument("--prompts", default="messages")
    parser.add_argument("--problems", type=int, default=12)
    parser.add_argument("--n", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--batch", type=int, help="completions generated at once (default: as in lintseq complete)")
    parser.add_argument("--dtype", default="float32" if not torch.cuda.is_available() else "bfloat16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = open_model(options.model, dtype=options.dtype, batch=options.batch)
    problems = load_problems(options.benchmark, options.data).problems[: options.problems]
    prompts = prompts_of(problems, options.prompts)
    requests = requests_of(prompts, n=options.n, seed=options.seed)
    sampling = SamplingParameters(0.8, 0.95, max_tokens=options.max_tokens)
    ours(model, requests[:2], SamplingParameters(0.8, 0.95, max_tokens=8))  # warm up
    note("ours")
    mine = timed(lambda: ours(model, requests, sampling))
    note(f"ours: {mine.tokens / mine.cpu_seconds:.1f} tokens per CPU second")
    theirs = timed(lambda: plain(model, requests, sampling))
    few = requests_of(prompts[:8], n=1, seed=options.seed)
    rounded = rounding(model, few, SamplingParameters(0.8, 0.95, max_tokens=64))
    ratio = mine.tokens / mine.cpu_seconds / (theirs.tokens / theirs.cpu_seconds)
    report = Report("generation", "Generation: tokens per second")
    parameters = sum(weights.numel() for weights in model.model.parameters())
    report.notes.append(
        f"{parameters / 1e6:.0f} million parameters, {options.dtype}, {model.device.type}, {options.threads} threads;"
        f" {len(problems)} problems of {options.benchmark}, {options.n} completions each of at most"
        f" {options.max_tokens} tokens, temperature 0.8, top-p 0.95; torch {package_version('torch')}, transformers"
        f" {package_version('transformers')}."
    )
    header = ["", "completions", "tokens", "wasted", "CPU s", "s", "tokens per CPU s"]
    rows = [mine.row(f"lintseq, {model.batch} rows"), theirs.row(f"generate, {PLAIN_BATCH} rows, unsorted")]
    report.goals.append(Goal("tokens per CPU second, relative to the plain loop", ratio, least=2))
    report.tables.append(Table("Speed", header, rows))
    report.tables.append(
        Table(
            "Effect of the batch on a row",
            ["", ""],
            [
                [
                    "largest difference of a logit, alone and in a batch of 16",
                    f"{rounded['largest_difference_of_logits']:.2g}",
                ],
                [
                    "identical completions of up to 64 tokens, generated singly and in one batch",
                    f"{rounded['identical_completions']} of {rounded['completions_compared']}",
                ],
            ],
        )
    )
    report.numbers = {
        "ratio": round(ratio, 3),
        "ratio_of_seconds": round(mine.tokens / mine.seconds / (theirs.tokens / theirs.seconds), 3),
        "lintseq": {name: getattr(mine, name) for name in ("completions", "tokens", "cpu_seconds", "seconds")},
        "plain": {
            name: getattr(theirs, name) for name in ("completions", "tokens", "steps", "cpu_seconds", "seconds")
        },
        **rounded,
        "torch": package_version("torch"),
        "transformers": package_version("transformers"),
    }
    report.publish(options.results)


if __name__ == "__main__":
    main()
