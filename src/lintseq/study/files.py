"""Study files: a comparison written down whole, in TOML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lintseq.errors import ConfigError
from lintseq.lm.recipes import read_recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The instructions and programs that all arms start from."""

    inputs: tuple[str, ...]
    """What `lintseq build` reads."""
    decontaminate: bool = True
    """Reject rows that overlap with a benchmark of the study."""
    options: tuple[str, ...] = ()
    """More options of `lintseq build`, for all arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """A tokenizer that is trained for the study."""

    inputs: tuple[str, ...]
    """Texts; `{}/data/ARM/edits.jsonl` are the edit sequences of an arm."""
    vocab: int
    options: tuple[str, ...] = ()
    """More options of `lintseq tokenizer train`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Edit sequences that a base model is pretrained on, made for the study."""

    inputs: tuple[str, ...]
    """What `lintseq build` reads; rows that overlap with a benchmark are rejected as those of the pairs are."""
    samples: int = 1
    """Edit sequences for each program."""
    linter: str = "native"
    format: str = "diff"
    options: tuple[str, ...] = ()
    """More options of `lintseq build`."""

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"samples is {self.samples}, where 1 or more was expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What is finetuned: a model that is there, or one that is pretrained first."""

    model: str = ""
    """A folder, or a name at the Hugging Face hub."""
    pretrain: str = ""
    """A recipe of `lintseq pretrain`."""
    set: tuple[str, ...] = ()
    """Settings over that recipe, such as `steps=100`."""
    corpora: dict[str, Corpus] = field(default_factory=dict)
    """Edit sequences for it; `set` names them, as `{}/corpus/NAME/edits.jsonl`."""
    tokenizer: Tokenizer | None = None
    """If given, trained first and used instead of the recipe's."""
    each_seed: bool = False
    """Whether each seed has a base of its own, so that intervals hold what another base would give."""
    devices: int = 1
    """On which the pretraining is shared out (FSDP)."""

    def __post_init__(self) -> None:
        _check_devices(self.devices)
        for name in self.corpora:
            _check_name("corpus", name)
        if self.each_seed and not self.pretrain:
            raise ConfigError("each seed is to have a base of its own, and nothing is pretrained; give base.pretrain")
        if self.corpora and not self.pretrain:
            raise ConfigError("corpora are to be pretrained on, and nothing is pretrained; give base.pretrain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetune:
    """How each arm is trained."""

    recipe: str
    set: tuple[str, ...] = ()
    """Settings over the recipe, for all arms."""
    devices: int = 1
    """On which each training is shared out (FSDP): for models that are too large for one."""

    def __post_init__(self) -> None:
        _check_devices(self.devices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One of the ways that are compared."""

    trains_on: Literal["edits", "plain"] = "edits"
    """`plain`: whole programs, of the rows of the arm named by `rows_of`."""
    rows_of: str = ""
    """For `plain`: the arm whose rows are taken; the first with edits if nothing is said."""
    samples: int = 5
    """Edit sequences for each program."""
    linter: str = "native"
    """What keeps the states clean; `none` is the paper's RandSeq."""
    format: str = "diff"
    options: tuple[str, ...] = ()
    """More options of `lintseq build`, such as `--comments`, `first`."""
    set: tuple[str, ...] = ()
    """Settings over the finetuning recipe, for this arm."""
    complete: tuple[str, ...] = ()
    """More options of `lintseq complete`, such as `--linted`."""
    same_model_as: str = ""
    """The arm whose models this one draws from, in another way (`complete`)."""

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"samples is {self.samples}, where 1 or more was expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What is asked of each model."""

    name: str
    """A benchmark's name, or a file of problems."""
    skip_first: int = 0
    """The paper: 100 of MBPP+."""
    problems: str = ""
    """Only these: task ids with commas between, `*` for anything, or a file with one on each line."""
    label: str = ""
    """What it is called in names of files and in the report, if not by its name."""
    validation: bool = False
    """Whether sampling settings are chosen on it; it then has no say in the result."""
    options: tuple[str, ...] = ()
    """More options of `lintseq evaluate`."""

    def __post_init__(self) -> None:
        if self.label:
            _check_name("label", self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How completions are drawn; each combination is a setting of its own."""

    n: int
    """Completions of each problem."""
    temperature: tuple[float, ...] = (1.0,)
    top_p: tuple[float, ...] = (1.0,)
    min_p: tuple[float, ...] = (0.0,)
    max_tokens: int = 512
    batch: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A whole comparison."""

    title: str
    pairs: Pairs
    base: Base
    finetune: Finetune
    arms: dict[str, Arm]
    benchmarks: tuple[Benchmark, ...]
    sampling: Sampling
    seeds: tuple[int, ...] = (0, 1, 2)
    k: tuple[int, ...] = (1, 5, 10)
    baseline: str = "plain"
    """The arm that the others are compared with."""
    published: bool = False
    """Set the paper's figures beside."""
    notes: tuple[str, ...] = ()
    """What a reader of the report has to know, such as what is smaller than in the paper."""
    ask: dict[str, str] = field(default_factory=dict)
    """Comparisons besides those with the baseline, each `ARM: OTHER ARM`."""

    def __post_init__(self) -> None:
        _check_arms(self)
        for name, values in (("seeds", self.seeds), ("k", self.k), ("benchmarks", self.benchmarks)):
            if not values:
                raise ConfigError(f"{name} is empty; name at least one")
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds are {list(self.seeds)}; each counts once")
        if bool(self.base.model) == bool(self.base.pretrain):
            raise ConfigError("base names both a model and a recipe, or neither; give base.model or base.pretrain")
        if all(one.validation for one in self.benchmarks):
            raise ConfigError("all benchmarks are for validation; one has to be left for the result")
        if len({label(one) for one in self.benchmarks}) < len(self.benchmarks):
            raise ConfigError("a benchmark is named twice; name each once, or give each a label of its own")
        if (most := max(self.k)) > self.sampling.n:
            raise ConfigError(f"k has {most}, and each problem gets {self.sampling.n} completions; raise sampling.n")


def read_study(path: str, *, settings: Sequence[str] = ()) -> Study:
    """Return the study in a TOML file, with `settings` such as `sampling.n=20` over it."""
    return read_recipe(path, Study, settings=settings)


def label(benchmark: Benchmark) -> str:
    """Return what a benchmark is called in names of files: a file of problems by its own name."""
    if benchmark.label:
        return benchmark.label
    return benchmark.name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".jsonl").replace("+", "-plus")


def _check_arms(study: Study) -> None:
    arms = study.arms
    if not arms:
        raise ConfigError("arms is empty; name at least one, such as [arms.plain]")
    for name, arm in arms.items():
        _check_name("arm", name)
        for told, other in (("rows_of", arm.rows_of), ("same_model_as", arm.same_model_as)):
            if other and (other not in arms or other == name):
                raise ConfigError(f"arms.{name}.{told} is {other!r}; the other arms are {_others(study, name)}")
        if arm.same_model_as and arms[arm.same_model_as].same_model_as:
            raise ConfigError(f"arms.{name}.same_model_as is {arm.same_model_as!r}, which has no models of its own")
        if arm.trains_on == "plain" and not arm.same_model_as and rows_of(study, name) is None:
            raise ConfigError(f"arm {name} takes its rows from an arm with edits, and there is none")
    if study.baseline not in arms:
        raise ConfigError(f"baseline is {study.baseline!r}; the arms are {', '.join(arms)}")
    for one, other in study.ask.items():
        if one not in arms or other not in arms:
            raise ConfigError(f"ask has {one} = {other!r}; the arms are {', '.join(arms)}")


def _check_devices(devices: int) -> None:
    if devices < 1:
        raise ConfigError(f"devices is {devices}, where 1 or more was expected")


def _check_name(what: str, name: str) -> None:
    """Raise `ConfigError` if a name cannot be part of file names everywhere."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise ConfigError(f"{what} {name!r} becomes part of file names; use letters, digits, - and _")


def _others(study: Study, name: str) -> str:
    return ", ".join(other for other in study.arms if other != name) or "none"


def rows_of(study: Study, name: str) -> str | None:
    """Return the arm whose edit sequences an arm is trained on, or on whose rows; None if there is none."""
    arm = study.arms[name]
    if arm.trains_on == "edits":
        return name
    if arm.rows_of:
        return arm.rows_of if study.arms[arm.rows_of].trains_on == "edits" else None
    return next(
        (other for other, one in study.arms.items() if one.trains_on == "edits" and not one.same_model_as), None
    )


def reference(study: Study) -> str:
    """Return the arm whose rows all arms are matched by: the one that the baseline takes its rows from."""
    own = rows_of(study, study.arms[study.baseline].same_model_as or study.baseline)
    return own or next(name for name, arm in study.arms.items() if arm.trains_on == "edits" and not arm.same_model_as)
