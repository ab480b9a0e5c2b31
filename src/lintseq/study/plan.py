"""A study as a graph of steps, each a command of lintseq that makes one file or folder.

Pure: a study in, steps out. Nothing here is done by other means than a user would do it; the commands can be read,
and run by hand. `{}` in front of a path stands for the folder of the study.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from lintseq.study.files import Arm, Benchmark, Corpus, Sampling, Study, label, reference, rows_of

HERE = "{}/"
_SHARES = ("--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP")


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what it makes and what it needs."""

    name: str
    kind: str
    """The command's name."""
    command: tuple[str, ...]
    output: str
    """In the study's folder: a folder, or a file that has its folder to itself."""
    needs: tuple[str, ...] = ()
    """Steps that come first."""
    files: tuple[str, ...] = ()
    """Files from outside that it reads: if they change, it is done again."""
    devices: int = 1
    """On which it is shared out."""
    is_waited_for: bool = False
    """Whether everything else that trains waits for it."""

    @property
    def launcher(self) -> tuple[str, ...]:
        """What starts its processes, if there are several: the words of accelerate, the program comes behind them."""
        if self.devices == 1:
            return ()
        machine = ("--num_machines", "1", "--num_processes", str(self.devices), "--main_process_port", "0")
        return ("launch", *machine, "--mixed_precision", "no", "--dynamo_backend", "no", *_SHARES)

    @property
    def words(self) -> list[str]:
        """The whole command, as a user would give it."""
        start = ("accelerate", *self.launcher, "-m") if self.launcher else ()
        return [*start, "lintseq", *self.command]

    @property
    def place(self) -> str:
        """The folder that holds all that it makes."""
        return self.output.rpartition("/")[0] if self.output.endswith(".jsonl") else self.output

    @property
    def trains(self) -> bool:
        """Whether it wants a device for itself."""
        return self.kind in ("pretrain", "finetune", "complete")


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to draw tokens."""

    temperature: float
    top_p: float
    min_p: float

    @property
    def name(self) -> str:
        told = f"t{self.temperature:g}"
        told += f"-p{self.top_p:g}" if self.top_p != 1 else ""
        return told + (f"-m{self.min_p:g}" if self.min_p else "")

    @property
    def words(self) -> str:
        """What a report calls it."""
        told = f"temperature {self.temperature:g}"
        told += f", top-p {self.top_p:g}" if self.top_p != 1 else ""
        return told + (f", min-p {self.min_p:g}" if self.min_p else "")


@dataclass(frozen=True, slots=True)
class Measured:
    """A results file of the study, and what it is of."""

    arm: str
    seed: int
    benchmark: str
    setting: Setting
    step: str
    output: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in an order in which they can be done, and the results that they end in."""

    steps: tuple[Step, ...]
    results: tuple[Measured, ...]
    models: Mapping[tuple[str, int], str]
    """The folder of an arm's model, by seed."""


def settings_of(sampling: Sampling) -> tuple[Setting, ...]:
    """Return all ways to draw that a study asks for."""
    return tuple(Setting(*one) for one in product(sampling.temperature, sampling.top_p, sampling.min_p))


def plan_of(study: Study, *, files: Mapping[str, str], data: str | None = None) -> Plan:
    """Return the steps of a study; `files` has the file of each benchmark, and of each choice of problems that is in
    one; `data` is the folder that benchmarks are found in."""
    builds = {name: _rows(study, name, arm, files) for name, arm in study.arms.items() if _has_rows(arm)}
    corpora = [_corpus(study, name, corpus, files) for name, corpus in study.base.corpora.items()]
    built = [*builds.values(), *corpora]
    tokenizer = _tokenizer(study, built)
    bases = {seed: _base(study, seed, built, tokenizer) for seed in study.seeds}
    tunes = {
        (name, seed): _finetune(study, name, arm, seed, builds, bases[seed])
        for name, arm in study.arms.items()
        for seed in study.seeds
        if not arm.same_model_as
    }
    steps = [*built, *tokenizer]
    measured = {}
    ways = list(product(study.benchmarks, settings_of(study.sampling)))
    # One seed after the other, and each model asked as soon as it is there: so a study that is stopped early has whole
    # comparisons, and one that is looked at early knows what each kind of step takes.
    for seed, name in product(study.seeds, sorted(study.arms, key=lambda name: bool(study.arms[name].same_model_as))):
        arm = study.arms[name]
        tuned = tunes[arm.same_model_as or name, seed]
        steps += [one for one in (bases[seed], tuned) if one is not None and one not in steps]
        for benchmark, setting in ways:
            drawn = _complete(study, name, seed, benchmark, setting, tuned, files, data)
            judged = _evaluate(study, drawn, benchmark, files, data)
            steps += [drawn, judged]
            measured[seed, benchmark, setting, name] = Measured(
                name, seed, label(benchmark), setting, judged.name, judged.output
            )
    results = [measured[seed, *way, name] for seed, way, name in product(study.seeds, ways, study.arms)]
    models = {
        (name, seed): tunes[arm.same_model_as or name, seed].output
        for name, arm in study.arms.items()
        for seed in study.seeds
    }
    return Plan(tuple(steps), tuple(results), models)


def fingerprints(steps: Sequence[Step], checksums: Mapping[str, str], version: str) -> dict[str, str]:
    """Return for each step what its output depends on, as one number: command, what came before, files, version."""
    found: dict[str, str] = {}
    for step in steps:
        told = [version, step.launcher, step.command]
        told += [[found[name] for name in step.needs], [checksums[file] for file in step.files]]
        found[step.name] = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return found


# The steps


def _has_rows(arm: Arm) -> bool:
    return arm.trains_on == "edits" and not arm.same_model_as


def _rows(study: Study, name: str, arm: Arm, files: Mapping[str, str]) -> Step:
    """Return what makes the edit sequences of an arm."""
    output = f"data/{name}/edits.jsonl"
    return _build(study, f"build {name}", output, study.pairs.inputs, arm, (*study.pairs.options, *arm.options), files)


def _corpus(study: Study, name: str, corpus: Corpus, files: Mapping[str, str]) -> Step:
    """Return what makes edit sequences for the base."""
    output = f"corpus/{name}/edits.jsonl"
    return _build(study, f"build corpus {name}", output, corpus.inputs, corpus, corpus.options, files)


def _build(
    study: Study,
    name: str,
    output: str,
    inputs: Sequence[str],
    how: Arm | Corpus,
    options: Sequence[str],
    files: Mapping[str, str],
) -> Step:
    against = sorted({files[one.name] for one in study.benchmarks}) if study.pairs.decontaminate else []
    command = ["build", *inputs, "--output", HERE + output, "--samples", str(how.samples)]
    command += ["--linter", how.linter, "--format", how.format, *options]
    for file in against:
        command += ["--decontaminate", file]
    return Step(name, "build", (*command, "--resume"), output, (), (*inputs, *against))


def _tokenizer(study: Study, builds: Sequence[Step]) -> list[Step]:
    """Return what trains the base's tokenizer, of what is built or of other things; nothing if it is there."""
    if (tokenizer := study.base.tokenizer) is None or not study.base.pretrain:
        return []
    command = ["tokenizer", "train", *tokenizer.inputs, "--vocab", str(tokenizer.vocab)]
    command += ["--output", HERE + "models/tokenizer", *tokenizer.options]
    files = tuple(path for path in tokenizer.inputs if not path.startswith(HERE))
    return [Step("tokenizer", "tokenizer", tuple(command), "models/tokenizer", _named(builds, command), files)]


def _base(study: Study, seed: int, builds: Sequence[Step], tokenizer: Sequence[Step]) -> Step | None:
    """Return what makes the base model of a seed; None if it is there."""
    base = study.base
    if not base.pretrain:
        return None
    own = f"-{seed}" if base.each_seed else ""
    output = f"models/base{own}"
    settings = [*base.set, *(f"tokenizer={HERE}{step.output}" for step in tokenizer)]
    settings += [f"run.seed={seed}"] if own else []
    command = ["pretrain", base.pretrain, "--output", HERE + output, *_sets(settings), "--resume"]
    needs = (*_named(builds, command), *(step.name for step in tokenizer))
    name = f"pretrain {seed}" if own else "pretrain"
    return Step(name, "pretrain", tuple(command), output, needs, (base.pretrain,), base.devices, not own)


def _named(builds: Sequence[Step], command: Sequence[str]) -> tuple[str, ...]:
    """Return the builds whose rows a command reads."""
    return tuple(build.name for build in builds if any(HERE + build.output in word for word in command))


def _finetune(study: Study, name: str, arm: Arm, seed: int, builds: Mapping[str, Step], base: Step | None) -> Step:
    source = builds[rows_of(study, name) or name]
    measure = builds[reference(study)]
    output = f"models/{name}-{seed}"
    settings = [
        "model=" + (HERE + base.output if base else study.base.model),
        "data.train=" + HERE + source.output,
        f"data.arm={arm.trains_on}",
        *(["data.reference=" + HERE + measure.output] if measure is not source else []),
        f"data.format={arm.format}",
        f"run.seed={seed}",
        *study.finetune.set,
        *arm.set,
    ]
    command = ["finetune", study.finetune.recipe, "--output", HERE + output, *_sets(settings), "--resume"]
    needs = (*dict.fromkeys([source.name, measure.name]), *([base.name] if base else []))
    files = (study.finetune.recipe,)
    return Step(f"finetune {name} {seed}", "finetune", tuple(command), output, needs, files, study.finetune.devices)


def _complete(
    study: Study,
    name: str,
    seed: int,
    benchmark: Benchmark,
    setting: Setting,
    tuned: Step,
    files: Mapping[str, str],
    data: str | None,
) -> Step:
    sampling = study.sampling
    arm = study.arms[name]
    place = f"{label(benchmark)}/{name}-{seed}-{setting.name}"
    output = f"completions/{place}/completions.jsonl"
    command = ["complete", "--model", HERE + tuned.output, "--benchmark", benchmark.name, *_data(data)]
    command += [*_which(benchmark), "--n", str(sampling.n), "--seed", str(seed)]
    command += ["--temperature", f"{setting.temperature:g}", "--top-p", f"{setting.top_p:g}"]
    command += ["--min-p", f"{setting.min_p:g}", "--max-tokens", str(sampling.max_tokens)]
    command += ["--batch", str(sampling.batch), *arm.complete, "--output", HERE + output, "--resume"]
    return Step(f"complete {place}", "complete", tuple(command), output, (tuned.name,), _read(benchmark, files))


def _evaluate(study: Study, drawn: Step, benchmark: Benchmark, files: Mapping[str, str], data: str | None) -> Step:
    place = drawn.name.removeprefix("complete ")
    output = f"results/{place}/results.jsonl"
    command = ["evaluate", HERE + drawn.output, "--benchmark", benchmark.name, *_data(data)]
    command += [*_which(benchmark), "--k", ",".join(map(str, study.k)), *benchmark.options]
    command += ["--output", HERE + output, "--resume"]
    return Step(f"evaluate {place}", "evaluate", tuple(command), output, (drawn.name,), _read(benchmark, files))


def _which(benchmark: Benchmark) -> list[str]:
    """Return the options that say which problems are asked."""
    named = ["--problems", benchmark.problems] if benchmark.problems else []
    return ["--skip-first", str(benchmark.skip_first), *named]


def _read(benchmark: Benchmark, files: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that say what the problems are."""
    return files[benchmark.name], *([files[benchmark.problems]] if benchmark.problems in files else [])


def _sets(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def _data(data: str | None) -> list[str]:
    return [] if data is None else ["--data", data]
