"""The numbers of a run, worked out from its rows and nothing else that could have changed meanwhile."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from lintseq.benchmarks.problem import Problem
from lintseq.evaluation.candidates import read
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.cost import ModelShape
from lintseq.evaluation.diversity import diversity, mean
from lintseq.evaluation.scoring import LEVEL, RESAMPLES, UNJUDGED, Counts, Interval, counts_of, scores

DEFAULT_KS = (1, 5, 10, 20, 50, 100)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What completions took, as far as it is known."""

    prompt: Mapping[str, int]
    """Tokens of each problem's prompt."""
    completion: Mapping[tuple[str, int], int]
    """Tokens of each completion, by problem and index."""


def summary(
    problems: Sequence[Problem],
    completions: Sequence[Completion],
    rows: Sequence[Row],
    *,
    ks: Sequence[int] = DEFAULT_KS,
    seed: int = 0,
    shape: ModelShape | None = None,
    tokens: Tokens | None = None,
) -> dict[str, Any]:
    """Return what is to be said of a run."""
    counts = counts_of(rows)
    numbers = sorted({n for n, _ in counts.values()})
    found: dict[str, Any] = {
        "problems": len(problems),
        "problems_scored": len(counts),
        "problems_not_run": _not_run(problems, rows),
        "completions": len(rows),
        "completions_per_problem": numbers[0] if len(numbers) == 1 else numbers,
        "verdicts": dict(Counter(row["verdict"] for row in rows).most_common()),
        "suspect": sum("suspect" in row for row in rows),
        **_pass_at_k("pass_at_k", counts, ks, seed),
    }
    if any("base" in row.get("stages", {}) for row in rows):
        base = [{**row, "verdict": row.get("stages", {}).get("base", row["verdict"])} for row in rows]
        found.update(_pass_at_k("base_pass_at_k", counts_of(base), ks, seed))
    found["bootstrap"] = {"seed": seed, "draws": RESAMPLES, "level": LEVEL}
    found["per_problem"] = {task_id: list(counts[task_id]) for task_id in sorted(counts)}
    found["edits"] = _edits(rows)
    found["clean"] = _clean(rows)
    found["diversity"] = _diversity(problems, completions, rows)
    found["cost"] = _cost(rows, ks, shape, tokens)
    found["cpu_seconds"] = round(fsum(row["cpu_seconds"] for row in rows), 3)
    return {name: value for name, value in found.items() if value is not None}


def _pass_at_k(name: str, counts: Counts, ks: Sequence[int], seed: int) -> dict[str, Any]:
    found = scores(counts, ks, seed=seed)
    return {
        name: {str(k): _value(interval) for k, interval in found.items()},
        f"{name}_interval": {str(k): [one.low, one.high] for k, one in found.items() if one is not None},
    }


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _not_run(problems: Sequence[Problem], rows: Sequence[Row]) -> dict[str, int]:
    """Return why problems were not run, and how many each time."""
    reasons = {row["task_id"]: row["detail"] for row in rows if row["verdict"] == "not-run"}
    return dict(Counter(reasons.values()).most_common())


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _edits(rows: Sequence[Row]) -> dict[str, Any] | None:
    edited = [row for row in rows if "edits" in row]
    if not edited:
        return None
    edits = sum(row["edits"] for row in edited)
    return {
        "completions": len(edited),
        "edits_per_program": edits / len(edited),
        "malformed_edits": _share(sum(row["malformed_edits"] for row in edited), edits),
        "ignored_edits": _share(sum(row["ignored_edits"] for row in edited), edits),
        "completions_not_as_written": _share(sum(row["notes"] > 0 for row in edited), len(edited)),
    }


def _clean(rows: Sequence[Row]) -> dict[str, Any] | None:
    linted = [row for row in rows if "clean" in row]
    if not linted:
        return None
    states = [row for row in linted if "states" in row]
    found: dict[str, Any] = {"programs": _share(sum(row["clean"] for row in linted), len(linted))}
    if states:
        found["states"] = _share(sum(row["clean_states"] for row in states), sum(row["states"] for row in states))
    return found


def _diversity(
    problems: Sequence[Problem], completions: Sequence[Completion], rows: Sequence[Row]
) -> dict[str, Any] | None:
    by_id = {problem.task_id: problem for problem in problems}
    programs: dict[str, list[str]] = defaultdict(list)
    behaviors: dict[str, list[str]] = defaultdict(list)
    for item, row in zip(completions, rows, strict=True):
        if row["verdict"] not in UNJUDGED:
            programs[item.task_id].append(read(by_id[item.task_id], item.text, item.form).text)
            behaviors[item.task_id].append(row["behavior"])
    several = {task_id: diversity(texts, behaviors[task_id]) for task_id, texts in programs.items() if len(texts) > 1}
    total = mean(several)
    return None if total is None else total.as_dict()


def _cost(
    rows: Sequence[Row], ks: Sequence[int], shape: ModelShape | None, tokens: Tokens | None
) -> dict[str, Any] | None:
    completion = {
        (row["task_id"], row["index"]): count for row in rows if (count := _tokens_of(row, tokens)) is not None
    }
    counted = bool(rows) and len(completion) == len(rows)
    prompt: dict[str, int] = {}
    for row in rows:
        count = row.get("prompt_tokens", None if tokens is None else tokens.prompt.get(row["task_id"]))
        if count is not None:
            prompt[row["task_id"]] = count
    found: dict[str, Any] = {}
    if counted:
        found["completion_tokens"] = fsum(completion.values()) / len(completion)
        if prompt:
            found["prompt_tokens"] = fsum(prompt.values()) / len(prompt)
    if rows and all("flops" in row for row in rows):
        per_problem = _by_problem(rows, lambda row: row["flops"])
        found["flops_at_k"] = {str(k): k * fsum(map(_mean, per_problem.values())) for k in ks}
        found["flops"] = "as the generator recorded them, each completion with its prompt"
    elif counted and shape is not None and len(prompt) == len({row["task_id"] for row in rows}):
        per_problem = _by_problem(
            rows,
            lambda row: shape.completion(completion[row["task_id"], row["index"]], prompt=prompt[row["task_id"]]),
        )
        prompts = {task_id: shape.prompt(count) for task_id, count in prompt.items()}
        found["flops_at_k"] = {
            str(k): fsum(prompts[task_id] + k * _mean(each) for task_id, each in per_problem.items()) for k in ks
        }
        found["flops"] = "worked out from tokens; each prompt counted once"
    return found or None


def _tokens_of(row: Row, tokens: Tokens | None) -> int | None:
    if "completion_tokens" in row:
        count: int = row["completion_tokens"]
        return count
    return None if tokens is None else tokens.completion.get((row["task_id"], row["index"]))


def _by_problem(rows: Sequence[Row], value: Any) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["task_id"], row["index"])):
        found[row["task_id"]].append(value(row))
    return found


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)
