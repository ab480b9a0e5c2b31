"""`lintseq build`: programs become a data set of edit sequences."""

from dataclasses import asdict
from typing import Annotated

from lintseq.cli.options import Preset, print_preset, with_options
from lintseq.cli.running import ExecutionOptions, build_summary, run_command
from lintseq.dataset.outputs import Target
from lintseq.dataset.sampler import BuildOptions


@with_options({
    "Input": "instruction_field code_field old_field new_field id_field",
    "Walk": "preset samples seed linter certify order comments stubs min_edits max_edits distinct sub_sequences",
    "Output": "output rejected shape format path shards shard_rows shard_kind split split_by",
    "Length": "max_tokens tokenizer",
    "Screening": "max_lines license license_field decontaminate ngram duplicates similarity",
    "Execution": "workers row_timeout row_memory resume overwrite strict json quiet",
})  # fmt: skip
def build(
    inputs: Annotated[
        list[str],
        "INPUT",
        "JSONL, JSON, Parquet, CSV; a folder or glob of such or of source files; hf:NAME; a URL; -.",
    ],
    *,
    target: Target,
    options: BuildOptions,
    run: ExecutionOptions,
    preset: Preset = None,
) -> None:
    """Turn programs, or changes of programs, into a data set of edit sequences.

    Each input row becomes one record per sample, or one line with the reason in the file of rejected rows. Records
    come in input order with any number of workers. The output appears when it is complete, with a manifest of
    its settings; an interrupted build continues with --resume. Exit status 1 means that an input could not be read
    to its end.

    Columns are found by their usual names: instruction, query, prompt, ...; program, code, solution, response, ...;
    id, task_id, ... Rows with two versions of a program (old_contents and new_contents, before and after, ..., or
    --old-field and --new-field), such as commits, become edits from the old version to the new one. Half of all
    commits are a single edit; --min-edits 2 leaves them out.

    Example: lintseq build pairs.jsonl.gz --output edits.jsonl --preset recommended
    """
    from lintseq.dataset.build import build

    if not run.quiet:
        print_preset(preset, asdict(options) | asdict(options.sampling))
    run_command(build, inputs, target, options, run, build_summary)
