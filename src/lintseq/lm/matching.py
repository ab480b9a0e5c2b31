"""Comparable arms: which examples a run sees, in which order, and for how many steps.

A program and its edit sequences come from the same row, but differ in number and length. What is equal between the two
arms is therefore a choice (`match.by` in a recipe):

    steps    the same number of optimizer steps of the same number of examples, as in the paper
    tokens   the same number of trained tokens, to within half a step; one draw per row and pass
    rows     every row equally often and in the same order; one draw per row and pass, a different one in each pass
    none     nothing: a number of passes over the arm's own examples

The plain arm is the reference: `epochs` counts passes over its examples. Passes follow each other without a gap, so
every step has the same number of examples; the last step is completed with examples of the next pass. The order
depends on the seed and on the number of examples per row only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from random import Random
from typing import Any

from lintseq.errors import ConfigError, check_choice
from lintseq.rows import stable_hash

MATCHES = ("steps", "tokens", "rows", "none")


@dataclass(frozen=True, slots=True)
class ExampleSizes:
    """The examples of an arm: for each, its row and its lengths in tokens."""

    rows: Sequence[int]
    """Number of the row it was made from, counted from 0; the same in both arms."""
    trained: Sequence[int]
    """Tokens of the completion, including the end token."""
    tokens: Sequence[int]
    """All tokens, including the prompt."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class ArmBudget:
    """What an arm sees during a run."""

    steps: int
    """Number of optimizer steps."""
    examples: int
    """Examples seen, counting repetitions."""
    passes: float
    """Passes over the distinct examples."""
    rows: int
    """Distinct rows."""
    row_seen: tuple[int, float, int]
    """Minimum, mean and maximum number of times that a row is seen."""
    trained: int
    """Completion tokens seen."""
    tokens: int
    """All tokens seen."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The examples of a run in order, `batch` indices per optimizer step."""

    match: str
    """What is matched between arms: none, steps, tokens or rows."""
    batch: int
    """Examples per optimizer step."""
    order: tuple[int, ...]
    """Indices of examples, `steps * batch` of them."""
    own: ArmBudget
    """What this arm sees."""
    reference: ArmBudget | None
    """The budget of the plain arm; None if nothing is matched."""

    def as_dict(self) -> dict[str, Any]:
        """Return the plan without the order."""
        reference = None if self.reference is None else asdict(self.reference)
        return {"match": self.match, "batch": self.batch, "own": asdict(self.own), "reference": reference}


def make_plan(
    own: ExampleSizes, reference: ExampleSizes | None, *, match: str, epochs: float, batch: int, seed: int
) -> TrainingPlan:
    """Return the plan that makes an arm comparable with the plain arm `reference`.

    Raises `ConfigError` if there are no examples or an option is out of range.
    """
    check_choice("match", match, MATCHES)
    if not epochs > 0 or batch < 1:
        raise ConfigError(f"cannot train for {epochs:g} epochs in batches of {batch}; both must be positive")
    if not len(own):
        raise ConfigError("there are no examples to train on")
    if match == "none" or reference is None:
        order = _first(_passes(len(own), seed), _steps(epochs, len(own), batch) * batch)
        return TrainingPlan("none", batch, order, _budget(own, order, batch), None)
    plain = _first(_passes(len(reference), seed), _steps(epochs, len(reference), batch) * batch)
    if match == "rows":
        order = _first(_row_passes(own.rows, seed), len(plain))
    elif match == "tokens":
        budget = sum(reference.trained[index] for index in plain)
        order = _up_to(_row_passes(own.rows, seed), own.trained, budget, batch)
    else:
        order = _first(_passes(len(own), seed), len(plain))
    return TrainingPlan(match, batch, order, _budget(own, order, batch), _budget(reference, plain, batch))


def by_length(order: Sequence[int], lengths: Sequence[int], batch: int) -> list[int]:
    """Return the order with the examples of each step sorted by length, longest first.

    Examples that are padded together then have similar lengths, while the examples of a step stay random; and a step
    that exceeds the memory of the device fails at its beginning.
    """
    result: list[int] = []
    for start in range(0, len(order), batch):
        result += sorted(order[start : start + batch], key=lambda index: -lengths[index])
    return result


def _passes(count: int, seed: int) -> Iterator[int]:
    """Yield the numbers below `count` in random order, then in another random order, and so on."""
    number = 0
    while True:
        yield from _shuffled(range(count), seed, number)
        number += 1


def _row_passes(rows: Sequence[int], seed: int) -> Iterator[int]:
    """Yield one example of each row per pass, rows in the order in which `_passes` has them in the plain arm.

    Successive passes cycle through the examples of a row in a random order of its own.
    """
    examples_of: dict[int, list[int]] = {}
    for example, row in enumerate(rows):
        examples_of.setdefault(row, []).append(example)
    shuffled = [_shuffled(examples_of[row], seed, f"row {row}") for row in sorted(examples_of)]
    for number, row in enumerate(_passes(len(shuffled), seed)):
        examples = shuffled[row]
        yield examples[number // len(shuffled) % len(examples)]


def _budget(examples: ExampleSizes, order: Sequence[int], batch: int) -> ArmBudget:
    seen = Counter(examples.rows[index] for index in order)
    rows = set(examples.rows)
    times = [seen[row] for row in rows]
    return ArmBudget(
        steps=len(order) // batch,
        examples=len(order),
        passes=len(order) / len(examples),
        rows=len(rows),
        row_seen=(min(times), sum(times) / len(times), max(times)),
        trained=sum(examples.trained[index] for index in order),
        tokens=sum(examples.tokens[index] for index in order),
    )


def _steps(epochs: float, count: int, batch: int) -> int:
    """Return the number of batches in `epochs` passes, rounded up; less than a millionth of a batch is rounding."""
    return max(1, -int(-(epochs * count / batch - 1e-6) // 1))


def _first(stream: Iterator[int], count: int) -> tuple[int, ...]:
    return tuple(islice(stream, count))


def _up_to(stream: Iterator[int], trained: Sequence[int], budget: int, batch: int) -> tuple[int, ...]:
    """Return the whole number of batches whose trained tokens are closest to `budget`."""
    order: list[int] = []
    total = 0
    while True:
        step = list(islice(stream, batch))
        tokens = sum(trained[index] for index in step)
        if order and total + tokens - budget > budget - total:
            return tuple(order)
        order += step
        total += tokens


def _shuffled(items: Sequence[int], seed: int, key: int | str) -> list[int]:
    result = list(items)
    Random(stable_hash(seed, "order", key)).shuffle(result)
    return result
