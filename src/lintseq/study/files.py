"""Study files: a complete comparison of ways to train a model, in TOML."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from lintseq.bundled import find_bundled
from lintseq.errors import ConfigError, check_at_least
from lintseq.lm.recipes import read_recipe

Options = dict[str, Any]
"""Options of a command by name, with underscores, such as `{order = "forward"}`."""
_INPUT_FIELDS = ("inputs", "model", "pretrain", "recipe", "name", "problems")
"""The fields of a study that name inputs; `name` is that of a benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPairs:
    """The instructions and programs from which all arms are made."""

    inputs: tuple[str, ...]
    """Inputs of `lintseq build`."""
    decontaminate: bool = True
    """Reject rows that overlap with a benchmark of the study."""
    build: Options = field(default_factory=dict)
    """Further options of `lintseq build`, for all arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTokenizer:
    """A tokenizer trained for the study."""

    inputs: tuple[str, ...]
    """Texts; `{}/data/ARM/edits.jsonl` has the edit sequences of an arm."""
    vocab: int
    """Vocabulary size."""
    train: Options = field(default_factory=dict)
    """Further options of `lintseq tokenizer train`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCorpus:
    """Edit sequences built for the study, on which the base model is pretrained."""

    inputs: tuple[str, ...]
    """Inputs of `lintseq build`; rows that overlap with a benchmark are rejected, as for the pairs."""
    samples: int = 1
    """Edit sequences per program."""
    linter: str = "native"
    format: str = "diff"
    build: Options = field(default_factory=dict)
    """Further options of `lintseq build`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyBase:
    """The model that is finetuned: an existing one, or one that is pretrained first."""

    model: str = ""
    """A folder, or a name on the Hugging Face Hub."""
    pretrain: str = ""
    """A recipe of `lintseq pretrain`."""
    set: tuple[str, ...] = ()
    """Changes to that recipe, such as `steps=100`."""
    corpora: dict[str, StudyCorpus] = field(default_factory=dict)
    """Edit sequences for pretraining; `set` refers to them as `{}/corpus/NAME/edits.jsonl`."""
    tokenizer: StudyTokenizer | None = None
    """Trained first and used instead of the recipe's tokenizer."""
    each_seed: bool = False
    """Pretrain a base for each seed, so that intervals include the variation between bases."""
    devices: int = 1
    """GPUs that share the pretraining (FSDP)."""

    def __post_init__(self) -> None:
        check_at_least(1, {"devices": self.devices})
        for name in self.corpora:
            check_name("corpus", name)
        if (self.each_seed or self.corpora) and not self.pretrain:
            raise ConfigError("each_seed and corpora are for pretraining, but base.pretrain names no recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFinetune:
    """How each arm is finetuned."""

    recipe: str
    """A recipe of `lintseq finetune`."""
    set: tuple[str, ...] = ()
    """Changes to the recipe, for all arms."""
    devices: int = 1
    """GPUs that share each training (FSDP), for models that are too large for one."""

    def __post_init__(self) -> None:
        check_at_least(1, {"devices": self.devices})


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyArm:
    """One of the ways that are compared."""

    trains_on: Literal["edits", "plain"] = "edits"
    """`plain` trains on whole programs, those of the arm in `rows_of`."""
    rows_of: str = ""
    """For `plain`: the arm whose rows are used; by default the first arm with edits."""
    samples: int = 5
    """Edit sequences per program."""
    linter: str = "native"
    """The linter that guides the walk; `none` is the paper's RandSeq."""
    format: str = "diff"
    build: Options = field(default_factory=dict)
    """Further options of `lintseq build`, such as `{order = "forward"}`."""
    set: tuple[str, ...] = ()
    """Changes to the finetuning recipe, for this arm."""
    complete: Options = field(default_factory=dict)
    """Further options of `lintseq complete`, such as `{linted = true}`."""
    same_model_as: str = ""
    """The arm whose models this arm uses, with other options in `complete`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyBenchmark:
    """Problems that each model is evaluated on."""

    name: str
    """A benchmark, or a file of problems."""
    skip_first: int = 0
    """Leave out the first N problems; the paper leaves out 100 of MBPP+."""
    problems: str = ""
    """Only these: task ids separated by commas, `*` matches anything; or a file with one per line."""
    label: str = ""
    """Its name in reports and file names. By default the benchmark's name."""
    validation: bool = False
    """Choose sampling settings on these problems; they do not count in the result."""
    evaluate: Options = field(default_factory=dict)
    """Further options of `lintseq evaluate`."""

    def __post_init__(self) -> None:
        if self.label:
            check_name("label", self.label)

    @property
    def title(self) -> str:
        """Its name in reports and file names; a file of problems is named after the file."""
        name = self.name.replace("\\", "/").rsplit("/", 1)[-1]
        return self.label or name.removesuffix(".jsonl").replace("+", "-plus")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySampling:
    """How completions are generated. Every combination of settings is evaluated."""

    n: int
    """Completions per problem."""
    temperature: tuple[float, ...] = (1.0,)
    top_p: tuple[float, ...] = (1.0,)
    min_p: tuple[float, ...] = (0.0,)
    max_tokens: int = 512
    batch: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A complete comparison."""

    title: str
    pairs: StudyPairs
    base: StudyBase
    finetune: StudyFinetune
    arms: dict[str, StudyArm]
    benchmarks: tuple[StudyBenchmark, ...]
    sampling: StudySampling
    seeds: tuple[int, ...] = (0, 1, 2)
    k: tuple[int, ...] = (1, 5, 10)
    baseline: str = "plain"
    """The arm that the others are compared with."""
    published: bool = False
    """Show the paper's numbers next to the results."""
    notes: tuple[str, ...] = ()
    """Caveats for readers of the report, such as what is smaller than in the paper."""
    ask: dict[str, str] = field(default_factory=dict)
    """Further comparisons, each `ARM: OTHER ARM`."""

    def __post_init__(self) -> None:
        _check_arms(self)
        for name, values in (("seeds", self.seeds), ("k", self.k), ("benchmarks", self.benchmarks)):
            if not values:
                raise ConfigError(f"{name} is empty; name at least one")
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds are {list(self.seeds)}; name each once")
        if bool(self.base.model) == bool(self.base.pretrain):
            raise ConfigError("base needs either a model or a recipe; set base.model or base.pretrain, not both")
        if all(benchmark.validation for benchmark in self.benchmarks):
            raise ConfigError("all benchmarks are for validation; leave at least one for the result")
        if len({benchmark.title for benchmark in self.benchmarks}) < len(self.benchmarks):
            raise ConfigError("two benchmarks have the same name; name each once, or give each its own label")
        if (largest := max(self.k)) > self.sampling.n:
            raise ConfigError(f"k includes {largest}, but sampling.n is {self.sampling.n}; raise sampling.n")

    def rows_of(self, name: str) -> str | None:
        """Return the arm whose edit sequences, or whose rows, an arm is trained on; None if there is none."""
        arm = self.arms[name]
        if arm.trains_on == "edits":
            return name
        if arm.rows_of:
            return arm.rows_of if self.arms[arm.rows_of].trains_on == "edits" else None
        return next(iter(self.built_arms), None)

    @property
    def built_arms(self) -> list[str]:
        """The arms for which edit sequences are built."""
        return [name for name, arm in self.arms.items() if arm.trains_on == "edits" and not arm.same_model_as]

    @property
    def reference(self) -> str:
        """The arm whose rows determine how much all arms train: the one from which the baseline takes its rows."""
        return self.rows_of(self.arms[self.baseline].same_model_as or self.baseline) or self.built_arms[0]


def read_study(path: str, *, settings: Sequence[str] = ()) -> Study:
    """Return the study in a TOML file, with `settings` such as `sampling.n=20` applied.

    `path` may also be the name of a study that comes with lintseq, such as `toy`. Inputs that do not exist but come
    with lintseq are read from there. Raises `ConfigError` if it is not a valid study.
    """
    study = read_recipe(path, Study, settings=settings)
    return map_inputs(study, lambda path, field: find_bundled(path, {"recipe": "finetune"}.get(field, field)))


def map_inputs(study: Study, move: Callable[[str, str], str]) -> Study:
    """Return a study in which each path of an input is replaced by `move(path, field)`."""
    moved: Study = _map_inputs(study, move)
    return moved


def _map_inputs(value: Any, move: Callable[[str, str], str], name: str = "") -> Any:
    """Return a value, which is in the field `name`, with its inputs replaced."""
    if isinstance(value, dict):
        return {key: _map_inputs(item, move) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_map_inputs(item, move, name) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {field.name: _map_inputs(getattr(value, field.name), move, field.name) for field in fields(value)}
        return replace(value, **changes)
    return move(value, name) if value and name in _INPUT_FIELDS else value


def check_name(kind: str, name: str) -> None:
    """Raise `ConfigError` if a name cannot be part of file names on every system."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise ConfigError(f"{kind} {name!r} becomes part of file names; use letters, digits, - and _")


def _check_arms(study: Study) -> None:
    arms = study.arms
    if not arms:
        raise ConfigError("arms is empty; name at least one, such as [arms.plain]")
    for name, arm in arms.items():
        check_name("arm", name)
        others = ", ".join(other for other in arms if other != name) or "none"
        for key, other in (("rows_of", arm.rows_of), ("same_model_as", arm.same_model_as)):
            if other and (other not in arms or other == name):
                raise ConfigError(f"arms.{name}.{key} is {other!r}; the other arms are {others}")
        if arm.same_model_as and arms[arm.same_model_as].same_model_as:
            raise ConfigError(f"arms.{name}.same_model_as is {arm.same_model_as!r}, which has no models of its own")
        if arm.trains_on == "plain" and not arm.same_model_as and study.rows_of(name) is None:
            raise ConfigError(f"arm {name} needs the rows of an arm with edits, and there is none")
    if study.baseline not in arms:
        raise ConfigError(f"baseline is {study.baseline!r}; the arms are {', '.join(arms)}")
    for arm_name, other in study.ask.items():
        if arm_name not in arms or other not in arms:
            raise ConfigError(f"ask has {arm_name} = {other!r}; the arms are {', '.join(arms)}")
