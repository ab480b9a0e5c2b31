"""From inputs that hold programs to a data set of edit sequences: `build`, its settings and their checks."""

import os
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict
from typing import Any

from lintseq.codecs import get_codec
from lintseq.dataset.outputs import Target
from lintseq.dataset.pipeline import open_run, run_pipeline
from lintseq.dataset.report import REPEATS_FILES, BuildProgress, BuildReport
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import benchmarks_digest, check_screening
from lintseq.dataset.shapes import get_shape
from lintseq.dataset.tokens import check_limit
from lintseq.errors import ConfigError, check_at_least
from lintseq.languages import linter_version
from lintseq.rows import column_list
from lintseq.walks import check_options


def build(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | Target,
    options: BuildOptions | None = None,
    *,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> BuildReport:
    """Write the edit sequences of the programs in `inputs` to `output`, and return what was done.

    Inputs are files (JSON lines, a JSON array, Parquet, CSV, Python source), folders and patterns of them, `hf:NAME`,
    URLs, or `-`. Each row gives `options.samples` records or more, or one line with the reason in the file of rejected
    rows. Records come in input order and do not depend on the number of `workers` (default: one per processor). With
    `resume`, a run that was interrupted continues, and the result has the same bytes as an uninterrupted one;
    `overwrite` replaces existing files. `on_progress` is called after each batch of rows.

    Raises `ConfigError` before any work for what cannot work, `BuildInterrupted` on Ctrl-C, and `LintseqError` if the
    output cannot be written.
    """
    options = options or BuildOptions()
    check_build(options)
    opened = open_run(inputs, output, options.names, overwrite=overwrite, resume=resume)
    check_license_field(
        options.screening.license_field, {name for source in opened.sources for name in source.columns}
    )
    settings = settings_of(options)
    report = run_pipeline(opened, options.row_work(), settings, workers=workers, on_progress=on_progress)
    if options.format == "states" and any(source.fields and source.fields.old for source in opened.sources):
        report.notes.append(REPEATS_FILES)
    return report


def check_license_field(name: str | None, columns: Set[str]) -> None:
    """Raise `ConfigError` if no input has the column that holds the licenses."""
    if name is not None and columns and name not in columns:
        names = column_list(sorted(columns))
        raise ConfigError(f"no column {name!r} in the first rows (columns: {names}); name one with --license-field")


def settings_of(options: BuildOptions) -> dict[str, Any]:
    """Return what the records depend on besides the inputs, as plain values."""
    linters = {options.sampling.linter, options.sampling.certify or "none"} - {"native", "none"}
    benchmarks = {"benchmarks": benchmarks_digest(options.screening)} if options.screening.decontaminate else {}
    return {
        "linters": {name: linter_version(name) for name in sorted(linters)},
        "options": asdict(options),
        **benchmarks,
        **check_limit(options.token_limit, options.shape),
    }


def check_build(options: BuildOptions) -> None:
    """Raise `ConfigError` for options that cannot work."""
    check_options(options.sampling)
    check_screening(options.screening)
    get_shape(options.shape).check(options.format)
    get_codec(options.format, path=options.path)
    check_limit(options.token_limit, options.shape)
    if options.shape == "pylintseq" and options.sub_sequences:
        raise ConfigError("shape pylintseq has no column for the state that a sub-sequence starts from; use another")
    if options.sampling.order == "forward" and options.samples > 1:
        raise ConfigError(
            f"a program has one sequence in order forward, not {options.samples}; use --samples 1 or another --order"
        )
    if options.max_edits is not None and options.max_edits < options.min_edits:
        raise ConfigError(f"no draw has at least {options.min_edits} edits and at most {options.max_edits}")
    limits = {"--row-timeout": options.row_timeout, "--row-memory": options.row_memory}
    check_at_least(0, {"--sub-sequences": options.sub_sequences, **limits})
    lines = {"--max-lines": options.max_lines}
    check_at_least(1, {"--samples": options.samples, "--min-edits": options.min_edits, **lines})
    if not -(2**63) <= options.seed < 2**63:
        raise ConfigError(f"seed is {options.seed}, but must fit into 64 bits, as columns of tables do")
