"""A study as a graph of steps, each a lintseq command that makes one file or folder.

Everything a study does can be read as commands, and run by hand. `{}` at the start of a path stands for the study's
folder.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from lintseq.dataset.build import check_build
from lintseq.dataset.sampler import BuildOptions
from lintseq.errors import ConfigError
from lintseq.evaluation.evaluate import EvaluationOptions
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.lm.generation import CompletionOptions
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe, read_recipe
from lintseq.lm.settings import mistakes_error
from lintseq.lm.tokenizers import TokenizerOptions
from lintseq.study.commands import arguments_of, options_of
from lintseq.study.files import Study, StudyArm, StudyBenchmark, StudyCorpus, StudyPairs

HERE = "{}/"
_FSDP = ("--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP")


@dataclass(frozen=True, slots=True)
class StudyStep:
    """A command, its outputs and its inputs."""

    name: str
    """Unique in the study."""
    kind: str
    """The name of the command."""
    command: tuple[str, ...]
    """The arguments of `lintseq`."""
    output: str
    """In the study's folder: a folder, or a file in a folder of its own."""
    needs: tuple[str, ...] = ()
    """Steps that have to be complete."""
    files: tuple[str, ...] = ()
    """Files from outside the study that it reads; if they change, the step is repeated."""
    arm: str = ""
    """The arm, if it works for one arm only."""
    devices: int = 1
    """GPUs that share it."""
    blocks_training: bool = False
    """Whether all other training waits for it."""
    check: Callable[[], object] = field(default=lambda: None, compare=False)
    """Raises `ConfigError` for options that cannot work; needs the files."""

    @property
    def launcher(self) -> tuple[str, ...]:
        """The arguments of accelerate that start its processes, if there are several."""
        if self.devices == 1:
            return ()
        machine = ("--num_machines", "1", "--num_processes", str(self.devices), "--main_process_port", "0")
        return ("launch", *machine, "--mixed_precision", "no", "--dynamo_backend", "no", *_FSDP)

    @property
    def words(self) -> list[str]:
        """The whole command, as on a command line."""
        start = ("accelerate", *self.launcher, "-m") if self.launcher else ()
        return [*start, "lintseq", *self.command]

    @property
    def folder(self) -> str:
        """The folder that contains everything it makes."""
        return self.output.rpartition("/")[0] if self.output.endswith(".jsonl") else self.output

    @property
    def uses_device(self) -> bool:
        """Whether it needs a device of its own."""
        return self.kind in ("pretrain", "finetune", "complete")


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A results file of a study, and what it measures."""

    arm: str
    seed: int
    benchmark: str
    setting: SamplingParameters
    step: str
    output: str


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """All steps in an order in which they can be executed, and the results they lead to."""

    study: Study
    """The study file."""
    steps: tuple[StudyStep, ...]
    """Each after those that it needs."""
    results: tuple[StudyResult, ...]
    """Which step gives the result of an arm, seed, benchmark and setting."""
    models: Mapping[tuple[str, int], str]
    """The folder of an arm's model, by arm and seed."""

    def commands(self, folder: str) -> str:
        """Return the commands as they would be typed in a shell, each on a line; `folder` is that of the study."""
        here = f"{folder.rstrip('/')}/"
        return "\n".join(shlex.join(word.replace(HERE, here) for word in step.words) for step in self.steps)

    def check(self) -> None:
        """Raise `ConfigError` if the options of a step cannot work, or a file that it reads is missing."""
        mistakes: dict[str, str] = {}
        for step in self.steps:
            for file in step.files:
                if ":" not in file and "*" not in file and not Path(file).exists():
                    mistakes.setdefault(file, f"step {step.name!r} reads {file}, and there is no such file")
            try:
                step.check()
            except ConfigError as error:
                mistakes.setdefault(str(error), f"step {step.name!r}: {error}")
        if mistakes:
            raise mistakes_error("", list(mistakes.values()))


def plan_of(study: Study, *, files: Mapping[str, str], data: str | None = None) -> StudyPlan:
    """Return the steps of a study.

    `files` gives the path of each benchmark, and of each selection of problems that is a file; `data` is the folder
    of the benchmarks. Raises `ConfigError` for options that a command does not have.
    """
    return _Planner(study, files, data).plan()


def fingerprints(steps: Sequence[StudyStep], checksums: Mapping[str, str], version: str) -> dict[str, str]:
    """Return for each step a hash of everything its output depends on: command, needed steps, files, version."""
    found: dict[str, str] = {}
    for step in steps:
        parts = [version, step.launcher, step.command]
        parts += [[found[name] for name in step.needs], [checksums[file] for file in step.files]]
        found[step.name] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return found


class _Planner:
    """Makes the steps of one study."""

    def __init__(self, study: Study, files: Mapping[str, str], data: str | None) -> None:
        self.study, self.files, self.data = study, files, data
        self.settings = options_of(CompletionOptions, asdict(study.sampling), "sampling").grid()

    def plan(self) -> StudyPlan:
        study = self.study
        builds = {name: self._build(f"data/{name}", study.pairs, study.arms[name], name) for name in study.built_arms}
        corpora = [self._build(f"corpus/{name}", corpus, corpus) for name, corpus in study.base.corpora.items()]
        built = [*builds.values(), *corpora]
        tokenizer = self._tokenizer(built)
        steps = [*built, *([tokenizer] if tokenizer else [])]
        models: dict[tuple[str, int], StudyStep] = {}
        results = []
        # One seed after the other, and each model evaluated as soon as it is trained: an interrupted study has
        # complete comparisons, and early estimates of the time that is left cover every kind of step.
        arms = sorted(study.arms, key=lambda name: bool(study.arms[name].same_model_as))
        for seed, name in product(study.seeds, arms):
            base = self._base(seed, built, tokenizer)
            owner = study.arms[name].same_model_as
            model = models[owner, seed] if owner else self._finetune(name, seed, builds, base)
            models[name, seed] = model
            steps += [step for step in (base, model) if step is not None and step not in steps]
            for benchmark, setting in product(study.benchmarks, self.settings):
                completed = self._complete(name, seed, benchmark, setting, model)
                evaluated = self._evaluate(completed, benchmark)
                steps += [completed, evaluated]
                results.append(StudyResult(name, seed, benchmark.title, setting, evaluated.name, evaluated.output))
        outputs = {key: model.output for key, model in models.items()}
        return StudyPlan(study, tuple(steps), tuple(results), outputs)

    # Steps

    def _build(
        self, folder: str, source: StudyPairs | StudyCorpus, sampled: StudyArm | StudyCorpus, arm: str = ""
    ) -> StudyStep:
        """Return the step that builds the edit sequences of an arm, or for pretraining."""
        name, output = f"build {arm or folder.replace('/', ' ')}", f"{folder}/edits.jsonl"
        against: list[str] = []
        if self.study.pairs.decontaminate:
            against = sorted({self.files[benchmark.name] for benchmark in self.study.benchmarks})
        values = {option: getattr(sampled, option) for option in ("samples", "linter", "format")}
        values |= {"decontaminate": against, **source.build, **sampled.build}
        options = options_of(BuildOptions, values, f"step {name!r}")
        command = ("build", *source.inputs, "--output", HERE + output, *arguments_of(options), "--resume")
        files = (*source.inputs, *against)
        return StudyStep(name, "build", command, output, files=files, arm=arm, check=lambda: check_build(options))

    def _tokenizer(self, builds: Sequence[StudyStep]) -> StudyStep | None:
        """Return the step that trains the tokenizer of the base; None if there is none to train."""
        if (tokenizer := self.study.base.tokenizer) is None or not self.study.base.pretrain:
            return None
        options = options_of(TokenizerOptions, {"vocab": tokenizer.vocab, **tokenizer.train}, "step 'tokenizer'")
        output = "models/tokenizer"
        command = ("tokenizer", "train", *tokenizer.inputs, "--output", HERE + output, *arguments_of(options))
        files = tuple(path for path in tokenizer.inputs if not path.startswith(HERE))
        return StudyStep("tokenizer", "tokenizer", command, output, _read_by(command, builds), files)

    def _base(self, seed: int, builds: Sequence[StudyStep], tokenizer: StudyStep | None) -> StudyStep | None:
        """Return the step that pretrains the base of a seed; None if the base exists already."""
        base = self.study.base
        if not base.pretrain:
            return None
        output = f"models/base-{seed}" if base.each_seed else "models/base"
        settings = [*base.set, *([f"tokenizer={HERE}{tokenizer.output}"] if tokenizer else [])]
        settings += [f"run.seed={seed}"] if base.each_seed else []
        command = ("pretrain", base.pretrain, "--output", HERE + output, *_sets(settings), "--resume")
        return StudyStep(
            f"pretrain {seed}" if base.each_seed else "pretrain",
            "pretrain",
            command,
            output,
            (*_read_by(command, builds), *([tokenizer.name] if tokenizer else [])),
            (base.pretrain,),
            devices=base.devices,
            blocks_training=not base.each_seed,
            check=lambda: read_recipe(base.pretrain, PretrainRecipe, settings=settings),
        )

    def _finetune(self, name: str, seed: int, builds: Mapping[str, StudyStep], base: StudyStep | None) -> StudyStep:
        study, arm, recipe = self.study, self.study.arms[name], self.study.finetune.recipe
        source, reference = builds[study.rows_of(name) or name], builds[study.reference]
        output = f"models/{name}-{seed}"
        settings = [
            "model=" + (HERE + base.output if base else study.base.model),
            "data.train=" + HERE + source.output,
            f"data.arm={arm.trains_on}",
            *(["data.reference=" + HERE + reference.output] if reference is not source else []),
            f"data.format={arm.format}",
            f"run.seed={seed}",
            *study.finetune.set,
            *arm.set,
        ]
        return StudyStep(
            f"finetune {name} {seed}",
            "finetune",
            ("finetune", recipe, "--output", HERE + output, *_sets(settings), "--resume"),
            output,
            (*dict.fromkeys([source.name, reference.name]), *([base.name] if base else [])),
            (recipe,),
            arm=name,
            devices=study.finetune.devices,
            check=lambda: read_recipe(recipe, FinetuneRecipe, settings=settings),
        )

    def _complete(
        self, name: str, seed: int, benchmark: StudyBenchmark, setting: SamplingParameters, model: StudyStep
    ) -> StudyStep:
        path = f"{benchmark.title}/{name}-{seed}-{setting.name}"
        values = {
            **self._problems(benchmark),
            **asdict(self.study.sampling),
            **{option: (getattr(setting, option),) for option in ("temperature", "top_p", "min_p")},
            "seed": seed,
            **self.study.arms[name].complete,
        }
        step, output = f"complete {path}", f"completions/{path}/completions.jsonl"
        options = options_of(CompletionOptions, values, f"step {step!r}")
        command = ("complete", "--model", HERE + model.output, "--benchmark", benchmark.name, "--output",
                   HERE + output, *arguments_of(options), "--resume")  # fmt: skip
        files = self._problem_files(benchmark)
        return StudyStep(step, "complete", command, output, (model.name,), files, name, check=options.grid)

    def _evaluate(self, completed: StudyStep, benchmark: StudyBenchmark) -> StudyStep:
        path = completed.name.removeprefix("complete ")
        name, output = f"evaluate {path}", f"results/{path}/results.jsonl"
        values = {**self._problems(benchmark), "k": self.study.k, **benchmark.evaluate}
        options = options_of(EvaluationOptions, values, f"step {name!r}")
        command = ("evaluate", HERE + completed.output, "--benchmark", benchmark.name, "--output", HERE + output,
                   *arguments_of(options), "--resume")  # fmt: skip
        files = self._problem_files(benchmark)
        return StudyStep(name, "evaluate", command, output, (completed.name,), files, completed.arm)

    def _problems(self, benchmark: StudyBenchmark) -> dict[str, Any]:
        """Return the options that select the problems."""
        return {"skip_first": benchmark.skip_first, "problems": benchmark.problems or None, "data": self.data}

    def _problem_files(self, benchmark: StudyBenchmark) -> tuple[str, ...]:
        """Return the files that define the problems."""
        selection = [self.files[benchmark.problems]] if benchmark.problems in self.files else []
        return self.files[benchmark.name], *selection


def _read_by(command: Sequence[str], builds: Sequence[StudyStep]) -> tuple[str, ...]:
    """Return the builds whose output a command reads."""
    return tuple(build.name for build in builds if any(HERE + build.output in word for word in command))


def _sets(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]
