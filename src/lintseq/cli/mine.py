"""`lintseq mine`: code bases and their histories become rows for `lintseq build`."""

from typing import Annotated

from lintseq.cli.console import table
from lintseq.cli.options import with_options
from lintseq.cli.running import ExecutionOptions, run_command
from lintseq.dataset.outputs import Target
from lintseq.mining import MiningOptions, MiningReport


@with_options({
    "What to mine": "functions tasks commits code_field id_field keep",
    "Commits": "max_files max_changed_lines no_tests min_words distinct",
    "Output": "output rejected shards shard_rows shard_kind split split_by",
    "Execution": "workers row_timeout row_memory resume overwrite strict json quiet",
})  # fmt: skip
def mine(
    sources: Annotated[
        list[str], "SOURCE", "Source files, or rows that hold a whole file each; with --commits, git repositories."
    ],
    *,
    target: Target,
    options: MiningOptions,
    run: ExecutionOptions,
) -> None:
    """Mine training data from code bases: instructions with programs, or the changes of a git history.

    Each documented function or class becomes a pair: its docstring, and the definition with everything that it needs
    from its module. With --commits, each source file that a commit changes becomes a row: the file before and after,
    and the message; oldest commits first. Files are parsed, never imported or run. The rows are input for lintseq
    build.

    Example: lintseq mine src --functions --output - | lintseq build - --output edits.jsonl

    Example: lintseq mine path/to/repository --commits --no-tests --output commits.jsonl
    """
    from lintseq.mining import mine

    run_command(mine, sources, target, options, run, summary, units=("file", "pair"))


def summary(report: MiningReport) -> str:
    """Return the report as a table for people."""
    rows = [("commits", f"{report.commits:,}")] * bool(report.commits)
    rows += [("changes" if report.commits else "files", f"{report.files:,}"), ("pairs", f"{report.pairs:,}")]
    rows += [("  for testing", f"{report.test_pairs:,}")] * bool(report.test_pairs)
    rows.append(("rejected", f"{sum(report.rejections.values()):,}"))
    rows += [(f"  {reason}", f"{count:,}") for reason, count in report.rejections.items()]
    rows.append(("", "completed by an earlier run") if report.nothing_to_do else ("seconds", f"{report.seconds:.1f}"))
    return table([*rows, ("output", report.output), *([("rejected in", report.rejected)] * bool(report.rejections))])
