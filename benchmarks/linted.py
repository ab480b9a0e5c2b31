"""Linted decoding compared with plain sampling at equal FLOPs.

    python benchmarks/linted.py --model MODEL --benchmark humaneval --data DATA

Both generate completions of the same problems with the same settings. Linted decoding regenerates bad edits, and the
discarded tokens count. Plain sampling can afford more completions for the same FLOPs: pass@k is compared at equal
FLOPs, interpolated between two numbers of plain completions.
"""

from math import comb
from pathlib import Path
from typing import Any

from common import Report, Table, arguments, note, package_version, percent

from lintseq.benchmarks import load_problems
from lintseq.benchmarks.problem import Problem
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions, check_runner, judge_in_batches
from lintseq.evaluation.results import JudgedCompletion
from lintseq.languages import get_linter
from lintseq.lm.backends import open_backend
from lintseq.lm.backends.backend import GeneratedCompletion, SamplingParameters
from lintseq.lm.generation import prompts_of, requests_of, style_of
from lintseq.lm.linted import DecodingOptions, edit_filters
from lintseq.sandbox.pool import Sandbox

Rows = list[JudgedCompletion]


def judged(problems: list[Problem], done: list[GeneratedCompletion], form: str, sandbox: Any) -> Rows:
    """Return a row for each completion: its verdict, whether it is clean, and its cost."""
    items = [
        Completion(
            completion.request.task_id,
            completion.request.index,
            completion.text,
            form,
            completion.prompt_tokens,
            completion.completion_tokens,
            completion.flops,
        )
        for completion in done
    ]
    batches = judge_in_batches(problems, items, sandbox, JudgingOptions(linter=get_linter("pyflakes")))
    return [row for batch in batches for row in batch]


def pass_at(rows: Rows, k: int) -> float:
    """Return pass@k: the probability that one of `k` completions of a problem passes, averaged over problems."""
    found: dict[str, list[bool]] = {}
    for row in rows:
        found.setdefault(row.task_id, []).append(row.verdict == "passed")
    return sum(1 - comb(len(passed) - sum(passed), k) / comb(len(passed), k) for passed in found.values()) / len(found)


def flops(rows: Rows, shape: Any) -> tuple[float, float]:
    """Return the FLOPs for the prompts, each once, and for one more completion of each problem."""
    prompts = {row.task_id: shape.forward(row.prompt_tokens) for row in rows}
    own = sum(row.flops - prompts[row.task_id] for row in rows) / (len(rows) / len(prompts))
    return float(sum(prompts.values())), own


def at_equal_cost(plain: Rows, budget: float, shape: Any) -> tuple[float, float]:
    """Return how many plain completions per problem `budget` allows, and their pass@k by linear interpolation."""
    prompts, each = flops(plain, shape)
    most = len(plain) // len({row.task_id for row in plain})
    count = min(max((budget - prompts) / each, 1), most)
    below = min(int(count), most - 1) if most > 1 else 1
    low, high = pass_at(plain, below), pass_at(plain, min(below + 1, most))
    return count, low + (high - low) * (count - below)


def described(name: str, rows: Rows, shape: Any) -> list[object]:
    edits = sum(row.edits for row in rows)
    _, each = flops(rows, shape)
    return [
        name,
        f"{sum(row.completion_tokens for row in rows) / len(rows):.0f}",
        f"{each:.3g}",
        percent(sum(row.malformed_edits for row in rows), edits),
        percent(sum(row.clean_states for row in rows), sum(row.states for row in rows)),
        f"{100 * sum(row.clean for row in rows) / len(rows):.1f} %",
        f"{100 * sum(row.verdict == 'passed' for row in rows) / len(rows):.2f} %",
    ]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--benchmark", default="humaneval")
    parser.add_argument("--data", help="directory of the benchmark files")
    parser.add_argument("--problems", type=int, help="only the first N problems (default: all)")
    parser.add_argument("--n", type=int, default=10, help="linted completions per problem")
    parser.add_argument("--more", type=float, default=2.0, help="plain completions per linted one")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--tries", default="1,8", help="maximum retries per edit; several values separated by commas")
    parser.add_argument("--batch", type=int)
    options = parser.parse_args()
    model: Any = open_backend(options.model, batch=options.batch)
    arm = style_of(options.model)
    style, form = arm.prompts or "edits", arm.format or "diff"
    problems = list(load_problems(options.benchmark, options.data).problems[: options.problems])
    prompts = prompts_of(problems, style)
    sampling = SamplingParameters(options.temperature, options.top_p, max_tokens=options.max_tokens)
    arms: dict[str, tuple[int, DecodingOptions]] = {"plain": (round(options.n * options.more), DecodingOptions())}
    for tries in map(int, options.tries.split(",")):
        for give_up in ("keep", "end"):
            name = f"linted, {tries} tries, {give_up}"
            arms[name] = options.n, DecodingOptions(True, tries, give_up=give_up)
    rows: dict[str, Rows] = {}
    thrown: dict[str, float] = {}
    with Sandbox() as sandbox:
        check_runner(sandbox)
        for name, (n, edits) in arms.items():
            note(name)
            requests = requests_of(prompts, n=n, seed=options.seed)
            done = list(model.generate(requests, sampling, edit_filters=edit_filters(edits, sampling, form)))
            rows[name] = judged(problems, done, form, sandbox)
            tokens = sum(completionged_rows.completion_tokens or 0 for completionged_rows in done)
            thrown[name] = sum(completionged_rows.more.get("thrown_tokens", 0) for completionged_rows in done) / max(
                tokens, 1
            )
    shape = model.shape
    report = Report("linted", "Linted decoding compared with plain sampling, at equal FLOPs")
    report.notes.append(
        f"{Path(options.model).name}, {len(problems)} problems of {options.benchmark}, {options.n} linted completions"
        f" each, {arms['plain'][0]} plain ones; temperature {options.temperature:g}, top-p {options.top_p:g}; judged"
        " by pyflakes."
        f" torch {package_version('torch')}, transformers {package_version('transformers')}."
    )
    header = [
        "",
        "tokens per completion",
        "FLOPs per completion of all problems",
        "malformed edits",
        "clean states",
        "clean programs",
        "passed",
    ]
    report.tables.append(
        Table("Completions", header, [described(name, judged_rows, shape) for name, judged_rows in rows.items()])
    )
    compared, numbers = [], {}
    for name, judged_rows in rows.items():
        if name == "plain":
            continue
        ks = [k for k in (1, 2, 5, 10) if k <= options.n]
        for k in ks:
            prompt_flops, each = flops(judged_rows, shape)
            count, plain = at_equal_cost(rows["plain"], prompt_flops + k * each, shape)
            linted = pass_at(judged_rows, k)
            compared.append(
                [
                    name,
                    k,
                    f"{100 * linted:.2f} %",
                    f"{count:.2f}",
                    f"{100 * plain:.2f} %",
                    f"{100 * (linted - plain):+.2f}",
                ]
            )
            numbers[f"{name}, k={k}"] = {"linted": linted, "plain": plain, "plain_completions": count}
    header = ["", "k", "pass@k", "plain completions for the same FLOPs", "their pass@k", "difference"]
    report.tables.append(Table("At equal FLOPs", header, compared))
    report.numbers = {
        "at_equal_operations": numbers,
        "thrown_share": {name: round(share, 4) for name, share in thrown.items()},
        "clean_programs": {
            name: sum(row.clean for row in judged_rows) / len(judged_rows) for name, judged_rows in rows.items()
        },
        "malformed_edits": {
            name: sum(row.malformed_edits for row in judged_rows) / max(sum(row.edits for row in judged_rows), 1)
            for name, judged_rows in rows.items()
        },
    }
    report.publish(options.results)


if __name__ == "__main__":
    main()
