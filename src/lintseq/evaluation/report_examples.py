"""The examples of a report: the completions on the page, and the data shown for each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lintseq.evaluation.report_tables import kind_of
from lintseq.evaluation.results import Evaluation, JudgedCompletion, by_problem
from lintseq.reporting.numbers import plural

MAX_LENGTH = 20_000
"""Characters of a text that a page holds; longer texts are cut."""


def examples_of(name: str, run: Evaluation, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` completions of each problem, some of every verdict, as the page takes them."""
    return [
        _example(name, row, run.instructions.get(task_id, ""))
        for task_id, rows in by_problem(row for row in run.rows if row.completion is not None).items()
        for row in _sample(rows, limit)
    ]


def _sample(rows: Sequence[JudgedCompletion], limit: int) -> list[JudgedCompletion]:
    """Return up to `limit` rows, taking turns between verdicts, in their original order."""
    seen: Counter[str] = Counter()
    ranked = []
    for index, row in enumerate(rows):
        ranked.append((seen[row.verdict], index))
        seen[row.verdict] += 1
    return [rows[index] for index in sorted(index for _, index in sorted(ranked)[:limit])]


def _example(run: str, row: JudgedCompletion, instruction: str) -> dict[str, Any]:
    completion, text = row.completion or "", row.text or ""
    return {
        "run": run,
        "problem": row.task_id,
        "index": row.index,
        "verdict": row.verdict,
        "detail": row.detail,
        "kind": kind_of(row),
        "instruction": instruction[:MAX_LENGTH],
        "completion": completion[:MAX_LENGTH],
        "text": None if row.text in (None, completion) else text[:MAX_LENGTH],
        "cut": max(len(completion), len(text)) > MAX_LENGTH,
        "format": row.format,
        "facts": _facts(row),
        "edits": [name for name, count in _faults(row).items() if count],
        "suspect": "; ".join(row.suspect),
    }


def _faults(row: JudgedCompletion) -> dict[str, int]:
    """Return how many edits are malformed and ignored, and how many things were repaired."""
    return {"malformed": row.malformed_edits or 0, "ignored": row.ignored_edits or 0, "repaired": row.notes or 0}


def _facts(row: JudgedCompletion) -> list[str]:
    facts = [] if row.edits is None else [plural(row.edits, "edit")]
    facts += [f"{count} {name}" for name, count in _faults(row).items() if count]
    if row.clean is not None:
        facts.append("clean" if row.clean else "not clean")
    facts += [f"{stage}: {verdict}" for stage, verdict in row.stages.items()]
    if row.completion_tokens is not None:
        facts.append(plural(row.completion_tokens, "token"))
    return [*facts, f"{row.cpu_seconds:.2f} s"]
