"""A study from its file to its report: the public calls behind `lintseq study`."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lintseq import __version__
from lintseq.benchmarks import ProblemSet, load_problems
from lintseq.benchmarks.selection import is_problem_file, select_problems
from lintseq.errors import ConfigError
from lintseq.evaluation.results_file import read_results
from lintseq.lm.loading import require_package
from lintseq.lm.settings import mistakes_error
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import check_page
from lintseq.storage import MANIFEST, read_manifest
from lintseq.study.archive import DATA, INPUTS, PackedStudy, is_archive, pack, unpack
from lintseq.study.files import Study, StudyBenchmark, read_study
from lintseq.study.findings import StudyFindings, as_table, gather, sentences
from lintseq.study.measurements import is_measurements, read_measurements
from lintseq.study.plan import StudyPlan, fingerprints, plan_of
from lintseq.study.power import power_text
from lintseq.study.report import write_report
from lintseq.study.running import StudyProgress, checksums_of, device_budget, lock_study, read_step_record, run_steps


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """What a study depends on besides its file."""

    data: str | None = None
    """Directory of the benchmark files. [default: $LINTSEQ_DATA]"""
    set: tuple[str, ...] = ()
    """Change a setting of the file, such as sampling.n=20; may be repeated."""


@dataclass(frozen=True, slots=True)
class StudyReport:
    """The result of a study."""

    findings: StudyFindings
    """All results."""
    page: Path
    """The report; next to it `report.md` and `findings.json`."""
    steps: int = 0
    """Number of steps; 0 if the report was written from measurements."""
    new_steps: int = 0
    """Steps executed by this run."""
    seconds: float = 0.0
    """Duration of this run."""

    @property
    def sentences(self) -> list[str]:
        """The findings as text."""
        return sentences(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the scores and differences as plain values, for JSON."""
        return as_table(self.findings)


def run_study(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: StudyOptions = StudyOptions(),
    *,
    jobs: int | None = None,
    threads: int | None = None,
    on_progress: Callable[[StudyProgress], None] = lambda progress: None,
) -> StudyReport:
    """Run a study from its TOML file or archive, write its report, and return the findings.

    From `measurements.json` of a finished study, the report is written again to the folder `output`, and nothing runs.

    Everything is written to the folder `output`. Finished steps are kept, so the same call resumes an interrupted
    study; steps whose recipe or inputs changed are repeated with all that depend on them. `jobs` is the maximum number
    of parallel trainings, by default one per GPU or per two CPU cores, and `threads` the number of CPU threads of
    each, by default OMP_NUM_THREADS or the cores divided by the jobs. `on_progress` is called several times per
    second.

    Raises `ConfigError` for a study that cannot work, before anything runs, and `ToolError` if a step fails.
    """
    started = time.monotonic()
    path, output = os.fspath(path), os.fspath(output)
    if is_measurements(path):
        findings = read_measurements(path)
        for name in ("index.html", "report.md"):
            check_page(Path(output, name), option="--output")
        return StudyReport(findings, write_report(findings, Path(output), {})[0])
    if not is_archive(path):
        _plan(path, output, options)  # so that an invalid study leaves no folder
    with closing(lock_study(output, path)):
        plan = _plan(path, output, options)
        checksums = checksums_of([file for step in plan.steps for file in step.files])
        prints = fingerprints(plan.steps, checksums, __version__)
        budget = device_budget(jobs, threads)
        budget.check(plan)
        require_package("torch", "a study")
        early = EarlyReports(plan, lambda part: write_findings(part, output))

        def progressed(progress: StudyProgress) -> None:
            on_progress(progress)
            early(progress)

        progress = run_steps(plan.steps, prints, output, budget=budget, on_progress=progressed)
        progress.check_finished(output)
        findings, page = write_findings(plan, output)
    new = len(progress.done) - len(progress.done_before)
    return StudyReport(findings, page, len(plan.steps), new, time.monotonic() - started)


def plan_study(
    path: str | os.PathLike[str], output: str | os.PathLike[str], options: StudyOptions = StudyOptions()
) -> StudyPlan:
    """Return the steps of a study, having checked their options and files; an archive is extracted to `output`.

    Raises `ConfigError` for a study that cannot work.
    """
    path, output = os.fspath(path), os.fspath(output)
    with closing(lock_study(output, path)) if is_archive(path) else nullcontext():
        return _plan(path, output, options)


def power_of_study(path: str | os.PathLike[str], options: StudyOptions = StudyOptions()) -> str:
    """Return in words and a table how large a difference a study detects; nothing is trained.

    Raises `ConfigError` for a study or benchmarks that cannot be read.
    """
    path = os.fspath(path)
    if is_archive(path) or is_measurements(path):
        raise ConfigError(f"--power needs a study file, and {path} is not one")
    study = read_study(path, settings=options.set)
    loaded = {item.title: (item, load_problems(item.name, options.data)) for item in study.benchmarks}
    return power_text(study, {title: len(_selected(*pair)) for title, pair in loaded.items()})


def _selected(benchmark: StudyBenchmark, problems: ProblemSet) -> set[str]:
    """Return the names of the problems that a study uses."""
    selection = benchmark.problems or None
    selected = select_problems(problems, problems=selection, skip_first=benchmark.skip_first)
    return {problem.task_id for problem in selected.problems}


def _plan(path: str, output: str, options: StudyOptions) -> StudyPlan:
    data = options.data
    if is_measurements(path):
        raise ConfigError(f"{path} is not a study file, and only that has steps; name it instead")
    if is_archive(path):
        if options.set:
            raise ConfigError("--set changes a study file, not an archive; use it with --pack")
        study, data = unpack(path, output), os.path.join(output, INPUTS, DATA)
    else:
        study = read_study(path, settings=options.set, check_inputs=True)
    plan = plan_of(study, files=problem_files(study, data), data=data)
    plan.check()
    return plan


def pack_study(
    path: str | os.PathLike[str], archive: str | os.PathLike[str], options: StudyOptions = StudyOptions()
) -> PackedStudy:
    """Write a study and everything it reads to an archive, which `run_study` runs on a machine without network.

    Raises `ConfigError` for a study that cannot work, or that reads something which is not on this machine.
    """
    study = plan_study(path, "", options).study
    return pack(study, problem_files(study, options.data), Path(archive))


def problem_files(study: Study, data: str | None) -> dict[str, str]:
    """Return the path of each benchmark, and of each selection of problems that is a file.

    Raises `ConfigError` if one is missing, or if problems are both for validation and for the result.
    """
    loaded: dict[str, ProblemSet] = {}
    mistakes: list[str] = []
    for benchmark in study.benchmarks:
        try:
            loaded[benchmark.name] = load_problems(benchmark.name, data)
        except ConfigError as error:
            mistakes.append(str(error))
    if mistakes:
        raise mistakes_error("", mistakes)
    task_ids: defaultdict[tuple[str, bool], set[str]] = defaultdict(set)
    for benchmark in study.benchmarks:
        task_ids[benchmark.name, benchmark.validation] |= _selected(benchmark, loaded[benchmark.name])
    for name in loaded:
        if both := task_ids[name, True] & task_ids[name, False]:
            raise ConfigError(
                f"{len(both)} problems of {name}, such as {min(both)}, are both for validation and for the result;"
                " settings would be chosen on what is measured"
            )
    selections = {item.problems: item.problems for item in study.benchmarks if is_problem_file(item.problems)}
    return {name: benchmark.path for name, benchmark in loaded.items()} | selections


class EarlyReports:
    """Writes a report whenever all arms of another seed are evaluated while other seeds are still missing."""

    def __init__(self, plan: StudyPlan, write: Callable[[StudyPlan], object]) -> None:
        self.plan, self.write = plan, write
        self._reported = 0

    def __call__(self, progress: StudyProgress) -> None:
        study, results = self.plan.study, self.plan.results
        missing = {result.seed for result in results if result.step not in progress.done}
        seeds = tuple(seed for seed in study.seeds if seed not in missing)
        if missing and len(seeds) > self._reported:
            self._reported = len(seeds)
            note = f"Early report: {plural(len(seeds), 'seed')} of {len(study.seeds)}; the study is still running."
            part = replace(study, seeds=seeds, notes=(*study.notes, note))
            complete = tuple(result for result in results if result.seed in seeds)
            self.write(replace(self.plan, study=part, results=complete))


def write_findings(plan: StudyPlan, output: str) -> tuple[StudyFindings, Path]:
    """Write the report of the finished steps in a study's folder; return the findings, and the page."""
    folder = Path(output)
    results = {result.step: read_results(str(folder / result.output)) for result in plan.results}
    found = {model: read_manifest(str(folder / model / MANIFEST)) for model in set(plan.models.values())}
    manifests = {model: manifest for model, manifest in found.items() if manifest is not None}
    records = {step.name: read_step_record(step, output) for step in plan.steps}
    seconds = {name: record["seconds"] for name, record in records.items() if "seconds" in record}
    findings = gather(plan, results, manifests, seconds)
    programs = {(item.benchmark, item.arm, item.setting, item.seed): results[item.step] for item in plan.results}
    page, *_ = write_report(findings, folder / "report", programs)
    return findings, page
