"""The numbers of an evaluation, computed from its rows alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import fsum
from statistics import fmean
from typing import Any

from lintseq.benchmarks import CODE, PROGRAM, Problem, prompt_for
from lintseq.evaluation.cost import ModelShape
from lintseq.evaluation.diversity import diversity, mean_diversity
from lintseq.evaluation.results import UNJUDGED, Evaluation, JudgedCompletion, by_problem, counts_of
from lintseq.evaluation.scoring import Counts, scores
from lintseq.reporting.numbers import plural
from lintseq.sandbox.results import REFUSED

DEFAULT_KS = (1, 5, 10, 20, 50, 100)

Rows = Sequence[JudgedCompletion]


def summarize(
    rows: Rows, *, problems: int, ks: Sequence[int] = DEFAULT_KS, shape: ModelShape | None = None
) -> dict[str, Any]:
    """Return the summary of the rows of `problems` problems; `shape` is that of the model, to compute operations."""
    counts = counts_of(rows)
    sizes = sorted({n for n, _ in counts.values()})
    reasons = {row.task_id: row.detail for row in rows if row.verdict == "not-run"}
    found: dict[str, Any] = {
        "problems": problems,
        "problems_scored": len(counts),
        "problems_not_run": dict(Counter(reasons.values()).most_common()),
        "completions": len(rows),
        "completions_per_problem": sizes[0] if len(sizes) == 1 else sizes,
        "verdicts": dict(Counter(row.verdict for row in rows).most_common()),
        "suspect": sum(bool(row.suspect) for row in rows),
        **_pass_at_k("pass_at_k", counts, ks),
    }
    if any("base" in row.stages for row in rows):
        found |= _pass_at_k("base_pass_at_k", counts_of(rows, "base"), ks)
    found["edits"] = _edits(rows)
    found["clean"] = _clean(rows)
    found["diversity"] = _diversity(rows)
    found["cost"] = _cost(rows, ks, shape)
    found["cpu_seconds"] = round(fsum(row.cpu_seconds for row in rows), 3)
    return {name: value for name, value in found.items() if value is not None}


def _pass_at_k(name: str, counts: Counts, ks: Sequence[int]) -> dict[str, Any]:
    found = scores(counts, ks)
    return {
        name: {str(k): None if score is None else score.value for k, score in found.items()},
        f"{name}_interval": {str(k): [score.low, score.high] for k, score in found.items() if score is not None},
    }


def _edits(rows: Rows) -> dict[str, Any] | None:
    edited = [row for row in rows if row.edits is not None]
    if not edited:
        return None
    edits = sum(row.edits or 0 for row in edited)
    return {
        "completions": len(edited),
        "edits_per_program": edits / len(edited),
        "malformed_edits": sum(row.malformed_edits or 0 for row in edited) / edits if edits else None,
        "ignored_edits": sum(row.ignored_edits or 0 for row in edited) / edits if edits else None,
        "completions_not_as_written": sum(bool(row.notes) for row in edited) / len(edited),
    }


def _clean(rows: Rows) -> dict[str, Any] | None:
    linted = [row for row in rows if row.clean is not None]
    if not linted:
        return None
    found: dict[str, Any] = {"programs": sum(bool(row.clean) for row in linted) / len(linted)}
    if any(row.states is not None for row in linted):
        states = sum(row.states or 0 for row in linted)
        found["states"] = sum(row.clean_states or 0 for row in linted) / states if states else None
    return found


def _diversity(rows: Rows) -> dict[str, Any] | None:
    judged = by_problem(row for row in rows if row.verdict not in UNJUDGED)
    several = [found for found in judged.values() if len(found) > 1]
    return mean_diversity(
        [diversity([row.text or "" for row in found], [row.behavior for row in found]) for found in several]
    )


def _cost(rows: Rows, ks: Sequence[int], shape: ModelShape | None) -> dict[str, Any] | None:
    completion = [row.completion_tokens for row in rows if row.completion_tokens is not None]
    prompt = {row.task_id: row.prompt_tokens for row in rows if row.prompt_tokens is not None}
    problems = by_problem(rows)
    found: dict[str, Any] = {}
    if counted := 0 < len(completion) == len(rows):
        found["completion_tokens"] = fmean(completion)
        if prompt:
            found["prompt_tokens"] = fmean(prompt.values())
    if rows and all(row.flops is not None for row in rows):
        means = [fmean(row.flops or 0.0 for row in group) for group in problems.values()]
        found["flops_at_k"] = {str(k): k * fsum(means) for k in ks}
        found["flops"] = "as recorded by the generator, each completion with its prompt"
    elif counted and shape is not None and len(prompt) == len(problems):
        costs = []
        for task_id, group in problems.items():
            each = fmean(shape.completion(row.completion_tokens or 0, prompt=prompt[task_id]) for row in group)
            costs.append((shape.forward(prompt[task_id]), each))
        found["flops_at_k"] = {str(k): fsum(once + k * each for once, each in costs) for k in ks}
        found["flops"] = "computed from tokens, each prompt once"
    return found or None


def answers_of(problems: Iterable[Problem]) -> dict[str, Any] | None:
    """Return how many contest problems have a checker, and which others accept several answers; None without any."""
    scored = [problem for problem in problems if problem.scoring and problem.tests]
    exact = [problem for problem in scored if problem.scoring != "checker"]
    if not scored:
        return None
    return {
        "checker": len(scored) - len(exact),
        "exact_match": len(exact),
        "checker_unusable": sum(problem.scoring != "exact match" for problem in exact),
        "several_known": [problem.task_id for problem in exact if problem.several_answers == "known"],
        "several_estimated": [problem.task_id for problem in exact if problem.several_answers == "estimated"],
    }


def with_tokens(rows: Rows, problems: Mapping[str, Problem], tokenizer: Any) -> list[JudgedCompletion]:
    """Return the rows with token counts where they have none; prompts are those of the paper's arms."""
    style = "plain" if all(row.format in (CODE, PROGRAM) for row in rows) else "edits"
    prompts = [str(prompt_for(problem, style)) for problem in problems.values()]
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(prompts)]
    prompt_tokens = dict(zip(problems, lengths, strict=True))
    completions = tokenizer.encode_batch_fast([row.completion or "" for row in rows])
    return [
        replace(
            row,
            prompt_tokens=prompt_tokens[row.task_id] if row.prompt_tokens is None else row.prompt_tokens,
            completion_tokens=len(encoding.ids) if row.completion_tokens is None else row.completion_tokens,
        )
        for row, encoding in zip(rows, completions, strict=True)
    ]


def warnings_of(evaluation: Evaluation) -> list[str]:
    """Return caveats about the scores."""
    summary = evaluation.summary
    not_run = summary["problems_not_run"]
    warnings = [f"{plural(count, 'problem')} not run: {reason}" for reason, count in not_run.items()]
    counts = (
        (summary["verdicts"].get("sandbox-error"), "completion", "not judged because the sandbox failed; not counted"),
        (
            sum(REFUSED in row.detail for row in evaluation.rows),
            "completion",
            f"{REFUSED}: see the column `detail` of the results, and evaluate at the level isolated",
        ),
        (summary["suspect"], "completion", "passed but may be forged: see the column `suspect` of the results"),
        (summary["missing_problems"], "problem", "without completions; not counted"),
    )
    warnings += [f"{plural(count, noun)} {remark}" for count, noun, remark in counts if count]
    if answers := summary.get("answers"):
        warnings.append(_about_answers(answers))
    if (benchmark := summary["benchmark"])["version"] == "unknown":
        warnings.append(f"{benchmark['file']} is not a version of the benchmark that lintseq knows")
    return warnings


def _about_answers(answers: Mapping[str, Any]) -> str:
    """Return how contest problems were scored."""
    exact, total = answers["exact_match"], answers["exact_match"] + answers["checker"]
    text = f"{exact:,} of {plural(total, 'problem')} scored by exact match only"
    if not exact:
        return text
    text += f": {len(answers['several_known']):,} are known to accept several answers,"
    text += f" {len(answers['several_estimated']):,} more seem to, by their statements"
    without = answers["checker_unusable"]
    return text + (
        f"; the checkers of {without:,} are not Python, or reject the answer in the file" if without else ""
    )
