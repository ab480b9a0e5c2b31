"""Study files: a complete comparison of ways to train a model, in TOML."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any, Literal

from lintseq.bundled import find_bundled
from lintseq.dataset.sampler import BuildOptions
from lintseq.evaluation.evaluate import EvaluationOptions
from lintseq.lm.generation import CompletionOptions
from lintseq.lm.recipes import Count, Data, Model, NotNegative, PositiveCount, format_mistakes, read_recipe
from lintseq.lm.settings import InputKind, Range, Settings
from lintseq.lm.tokenizers import TokenizerOptions

BuildTable = Annotated[dict[str, Any], BuildOptions]
"""Options of `lintseq build` by name, with underscores, such as `{order = "forward"}`; the others are the like."""
CompleteTable = Annotated[dict[str, Any], CompletionOptions]
EvaluateTable = Annotated[dict[str, Any], EvaluationOptions]
TokenizerTable = Annotated[dict[str, Any], TokenizerOptions]
_INPUT_FIELDS = ("inputs", "model", "pretrain", "recipe", "name", "problems")
"""The fields of a study that name inputs; `name` is that of a benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPairs(Settings):
    """The instructions and programs from which all arms are made."""

    inputs: tuple[Data, ...]
    """Inputs of `lintseq build`."""
    decontaminate: bool = True
    """Reject rows that overlap with a benchmark of the study."""
    build: BuildTable = field(default_factory=dict)
    """Further options of `lintseq build`, for all arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTokenizer(Settings):
    """A tokenizer trained for the study."""

    inputs: tuple[Data, ...]
    """Texts; `{}/data/ARM/edits.jsonl` has the edit sequences of an arm."""
    vocab: PositiveCount
    """Vocabulary size."""
    train: TokenizerTable = field(default_factory=dict)
    """Further options of `lintseq tokenizer train`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCorpus(Settings):
    """Edit sequences built for the study, on which the base model is pretrained."""

    inputs: tuple[Data, ...]
    """Inputs of `lintseq build`; rows that overlap with a benchmark are rejected, as for the pairs."""
    samples: PositiveCount = 1
    """Edit sequences per program."""
    linter: str = "native"
    """The linter that guides the walk."""
    format: str = "diff"
    """Text format of the edits."""
    build: BuildTable = field(default_factory=dict)
    """Further options of `lintseq build`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyBase(Settings):
    """The model that is finetuned: an existing one, or one that is pretrained first."""

    model: Model = ""
    """A folder, or a name on the Hugging Face Hub."""
    pretrain: Annotated[str, InputKind("pretrain")] = ""
    """A recipe of `lintseq pretrain`."""
    set: tuple[str, ...] = ()
    """Changes to that recipe, such as `steps=100`."""
    corpora: dict[str, StudyCorpus] = field(default_factory=dict)
    """Edit sequences for pretraining; `set` refers to them as `{}/corpus/NAME/edits.jsonl`."""
    tokenizer: StudyTokenizer | None = None
    """Trained first and used instead of the recipe's tokenizer."""
    each_seed: bool = True
    """Pretrain a base for each seed, so that intervals include the variation between bases."""
    devices: PositiveCount = 1
    """GPUs that share the pretraining (FSDP)."""

    def _check_names(self, at: str) -> Iterator[str]:
        for name in self.corpora:
            yield from name_mistakes(f"{at}corpora", name)

    def _check_base(self, at: str) -> Iterator[str]:
        if bool(self.model) == bool(self.pretrain):
            yield f"{at[:-1]} needs either a model or a recipe; set {at}model or {at}pretrain, not both"
        elif self.corpora and not self.pretrain:
            yield f"{at}corpora are for pretraining; set {at}pretrain instead of {at}model"

    @property
    def varies(self) -> bool:
        """Whether each seed has a base of its own."""
        return self.each_seed and bool(self.pretrain)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFinetune(Settings):
    """How each arm is finetuned."""

    recipe: Annotated[str, InputKind("finetune")]
    """A recipe of `lintseq finetune`."""
    set: tuple[str, ...] = ()
    """Changes to the recipe, for all arms."""
    devices: PositiveCount = 1
    """GPUs that share each training (FSDP), for models that are too large for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyArm(Settings):
    """One of the ways that are compared."""

    trains_on: Literal["edits", "plain"] = "edits"
    """`plain` trains on whole programs, those of the arm in `rows_of`."""
    rows_of: str = ""
    """For `plain`: the arm whose rows are used; by default the first arm with edits."""
    samples: PositiveCount = 5
    """Edit sequences per program."""
    linter: str = "native"
    """The linter that guides the walk; `none` is the paper's RandSeq."""
    format: str = "diff"
    """Text format of the edits."""
    build: BuildTable = field(default_factory=dict)
    """Further options of `lintseq build`, such as `{order = "forward"}`."""
    set: tuple[str, ...] = ()
    """Changes to the finetuning recipe, for this arm."""
    complete: CompleteTable = field(default_factory=dict)
    """Further options of `lintseq complete`, such as `{linted = true}`."""
    same_model_as: str = ""
    """The arm whose models this arm uses, with other options in `complete`."""

    def _check_format(self, at: str) -> Iterator[str]:
        yield from format_mistakes(f"{at}format", self.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyBenchmark(Settings):
    """Problems that each model is evaluated on."""

    name: str
    """A benchmark, or a file of problems."""
    skip_first: Count = 0
    """Leave out the first N problems; the paper leaves out 100 of MBPP+."""
    problems: str = ""
    """Only these: task ids separated by commas, `*` matches anything; or a file with one per line."""
    label: str = ""
    """Its name in reports and file names. By default the benchmark's name."""
    validation: bool = False
    """Choose sampling settings on these problems; they do not count in the result."""
    evaluate: EvaluateTable = field(default_factory=dict)
    """Further options of `lintseq evaluate`."""

    def _check_label(self, at: str) -> Iterator[str]:
        if self.label:
            yield from name_mistakes(f"{at}label", self.label)

    @property
    def title(self) -> str:
        """Its name in reports and file names; a file of problems is named after the file."""
        name = self.name.replace("\\", "/").rsplit("/", 1)[-1]
        return self.label or name.removesuffix(".jsonl").replace("+", "-plus")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySampling(Settings):
    """How completions are generated. Every combination of settings is evaluated."""

    n: PositiveCount
    """Completions per problem."""
    temperature: tuple[NotNegative, ...] = (1.0,)
    """Sampling temperatures; 0 always takes the most likely token."""
    top_p: tuple[Annotated[float, Range(above=0, most=1)], ...] = (1.0,)
    """Nucleus sampling: keep the smallest set of tokens whose probability adds up to this."""
    min_p: tuple[Annotated[float, Range(least=0, most=1)], ...] = (0.0,)
    """Keep tokens at least this probable, relative to the most likely one."""
    max_tokens: PositiveCount = 512
    """Maximum number of new tokens."""
    batch: PositiveCount = 32
    """Number of completions generated at once."""

    @property
    def settings(self) -> int:
        """The number of combinations of settings."""
        return len(self.temperature) * len(self.top_p) * len(self.min_p)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study(Settings):
    """A complete comparison."""

    title: str
    """Title of the report."""
    pairs: StudyPairs
    """The instructions and programs from which all arms are made."""
    base: StudyBase
    """The model that is finetuned."""
    finetune: StudyFinetune
    """How each arm is finetuned."""
    arms: dict[str, StudyArm]
    """The ways that are compared, each in a section such as `[arms.edits]`."""
    benchmarks: tuple[StudyBenchmark, ...]
    """Problems that each model is evaluated on."""
    sampling: StudySampling
    """How completions are generated."""
    seeds: tuple[Count, ...] = (0, 1, 2)
    """Seeds; each arm is trained once for each."""
    k: tuple[PositiveCount, ...] = (1, 5, 10)
    """Values of k for pass@k."""
    claims_at: tuple[PositiveCount, ...] = ()
    """Values of k at which arms are tested; the more, the larger a difference must be. By default the first of `k`."""
    baseline: str = "plain"
    """The arm that the others are compared with."""
    published: bool = False
    """Show the paper's numbers next to the results."""
    notes: tuple[str, ...] = ()
    """Caveats for readers of the report, such as what is smaller than in the paper."""
    ask: dict[str, str] = field(default_factory=dict)
    """Further comparisons, each `ARM: OTHER ARM`."""

    def _check_arms(self, at: str) -> Iterator[str]:
        if not self.arms:
            yield f"{at}arms is empty; name at least one, such as [arms.plain]"
        for name in self.arms:
            yield from name_mistakes(f"{at}arms", name)

    def _check_references(self, at: str) -> Iterator[str]:
        arms = self.arms
        for name, arm in arms.items():
            others = ", ".join(other for other in arms if other != name) or "none"
            for key, other in (("rows_of", arm.rows_of), ("same_model_as", arm.same_model_as)):
                if other and (other not in arms or other == name):
                    yield f"{at}arms.{name}.{key} is {other!r}; the other arms are {others}"
            if arm.same_model_as in arms and arms[arm.same_model_as].same_model_as:
                yield f"{at}arms.{name}.same_model_as is {arm.same_model_as!r}, which has no models of its own"

    def _check_rows(self, at: str) -> Iterator[str]:
        for name, arm in self.arms.items():
            known = not arm.rows_of or arm.rows_of in self.arms
            if arm.trains_on == "plain" and not arm.same_model_as and known and self.rows_of(name) is None:
                yield f"{at}arms.{name} needs the rows of an arm with edits, and there is none"

    def _check_baseline(self, at: str) -> Iterator[str]:
        if self.arms and self.baseline not in self.arms:
            yield f"{at}baseline is {self.baseline!r}; the arms are {', '.join(self.arms)}"
        for name, other in self.ask.items():
            if name not in self.arms or other not in self.arms:
                yield f"{at}ask has {name} = {other!r}; the arms are {', '.join(self.arms)}"

    def _check_seeds(self, at: str) -> Iterator[str]:
        if not self.seeds:
            yield f"{at}seeds is empty; name at least one"
        if len(set(self.seeds)) < len(self.seeds):
            yield f"{at}seeds are {list(self.seeds)}; name each once"

    def _check_benchmarks(self, at: str) -> Iterator[str]:
        if not self.benchmarks:
            yield f"{at}benchmarks is empty; name at least one"
        elif all(benchmark.validation for benchmark in self.benchmarks):
            yield "all benchmarks are for validation; leave at least one for the result"
        if len({benchmark.title for benchmark in self.benchmarks}) < len(self.benchmarks):
            yield "two benchmarks have the same name; name each once, or give each its own label"

    def _check_k(self, at: str) -> Iterator[str]:
        if not self.k:
            yield f"{at}k is empty; name at least one"
        elif (largest := max(self.k)) > self.sampling.n:
            yield f"{at}k includes {largest}, but {at}sampling.n is {self.sampling.n}; raise {at}sampling.n"
        if more := [k for k in self.claims_at if k not in self.k]:
            yield f"{at}claims_at includes {more[0]}, but {at}k is {list(self.k)}; add it to {at}k"

    @property
    def planned_k(self) -> tuple[int, ...]:
        """The values of k at which arms are tested."""
        return self.claims_at or self.k[:1]

    @property
    def compared(self) -> list[tuple[str, str]]:
        """The pairs of arms that are compared: each with the baseline, and others that the study asks for."""
        pairs = [(arm, self.baseline) for arm in self.arms if arm != self.baseline]
        return list(dict.fromkeys([*pairs, *self.ask.items()]))

    def same_models(self, arm: str, other: str) -> bool:
        """Return whether two arms use the same models."""
        return len({self.arms[name].same_model_as or name for name in (arm, other)}) == 1

    def paired(self, arm: str, other: str) -> bool:
        """Return whether two arms share their models, or the bases of these, at each seed."""
        return self.same_models(arm, other) or self.base.varies

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


def read_study(path: str, *, settings: Sequence[str] = (), check_inputs: bool = False) -> Study:
    """Return the study in a TOML file, with `settings` such as `sampling.n=20` applied.

    `path` may also be the name of a study that comes with lintseq, such as `toy`. Inputs that do not exist but come
    with lintseq are read from there. Raises `ConfigError` with all mistakes in the file; with `check_inputs`, inputs
    that do not exist are mistakes.
    """

    def exists(name: str, kind: str) -> bool:
        return os.path.exists(find_bundled(name, kind))

    study = read_recipe(path, Study, settings=settings, exists=exists if check_inputs else None)
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


def name_mistakes(key: str, name: str) -> Iterator[str]:
    """Yield a message if a name cannot be part of file names on every system."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        yield f"{key} has the name {name!r}, which becomes part of file names; use letters, digits, - and _"
