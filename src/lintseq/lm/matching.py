"""Arms that can be compared: which examples a run sees, in which order, and when that is enough.

A program and its edit sequences are the same row of data, but not the same number of examples, and not of the same
length. What is held equal between the arms is therefore a choice:

    steps    the same optimizer steps of as many examples each, as in the paper
    tokens   the same number of trained tokens, to half a step; rows in turn as below
    rows     each distinct row as often: a pass has each row once, and the next pass another of its draws
    none     nothing: so many passes over the arm's own examples

The plain arm is the reference: `epochs` counts passes over its examples. Passes run into each other, so that every
step has the same number of examples; the last is filled up from the pass that would come next. What is drawn depends
on the seed and on how many examples there are of each row, never on the machine.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from random import Random
from typing import Any

from lintseq.errors import ConfigError
from lintseq.rows import stable_hash

MATCHES = ("steps", "tokens", "rows", "none")


@dataclass(frozen=True, slots=True)
class Examples:
    """What there is to be seen: for each example its row, its length, and how much of that is trained on."""

    rows: Sequence[int]
    """The number of the row that it is made of, from 0; rows are the same ones in both arms."""
    trained: Sequence[int]
    """The tokens of completions, the end among them."""
    tokens: Sequence[int]
    """All of them, prompts included."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Budget:
    """What an arm sees in a run; the table that is printed before it."""

    steps: int
    examples: int
    """Seen, each as often as it is seen."""
    passes: float
    """Over the examples that there are."""
    rows: int
    """Distinct ones that there are."""
    row_seen: tuple[int, float, int]
    """How often a row is seen: the least, the mean, the most."""
    trained: int
    """Tokens."""
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run sees, in order: `batch` examples for each step, by their numbers."""

    match: str
    batch: int
    order: tuple[int, ...]
    own: Budget
    reference: Budget | None
    """That of the plain arm; None where nothing is matched."""

    @property
    def steps(self) -> int:
        return len(self.order) // self.batch

    def as_dict(self) -> dict[str, Any]:
        reference = None if self.reference is None else self.reference.as_dict()
        return {"match": self.match, "batch": self.batch, "own": self.own.as_dict(), "reference": reference}


def make_plan(own: Examples, reference: Examples | None, *, match: str, epochs: float, batch: int, seed: int) -> Plan:
    """Return what an arm sees so that it can be compared with the plain arm, which is the reference."""
    check_match(match, epochs=epochs, batch=batch)
    if not len(own):
        raise ConfigError("there is no example to train on")
    if match == "none" or reference is None:
        order = _filled(passes(len(own), seed), _steps(epochs, len(own), batch) * batch)
        return Plan("none", batch, order, budget(own, order, batch), None)
    usual = _filled(passes(len(reference), seed), _steps(epochs, len(reference), batch) * batch)
    if match == "rows":
        order = _filled(turns(own.rows, seed), len(usual))
    elif match == "tokens":
        order = _until(turns(own.rows, seed), own.trained, sum(reference.trained[one] for one in usual), batch)
    else:
        order = _filled(passes(len(own), seed), len(usual))
    return Plan(match, batch, order, budget(own, order, batch), budget(reference, usual, batch))


def check_match(match: str, *, epochs: float, batch: int) -> None:
    """Raise `ConfigError` for what makes no plan."""
    if match not in MATCHES:
        raise ConfigError(f"unknown match {match!r}; use one of {', '.join(MATCHES)}")
    if not epochs > 0:
        raise ConfigError(f"{epochs:g} epochs train nothing; choose a number above 0")
    if batch < 1:
        raise ConfigError(f"a batch of {batch} examples is none; choose a number from 1")


def passes(count: int, seed: int) -> Iterator[int]:
    """Yield the numbers below `count` in a random order, then in another, for ever."""
    number = 0
    while True:
        yield from _shuffled(range(count), seed, number)
        number += 1


def turns(rows: Sequence[int], seed: int) -> Iterator[int]:
    """Yield examples so that each pass has one of each row, in the order in which the plain arm has the rows.

    A row shows its examples in turn, in a random order that is its own; none comes again before all have come.
    """
    of_row: dict[int, list[int]] = {}
    for example, row in enumerate(rows):
        of_row.setdefault(row, []).append(example)
    names = sorted(of_row)
    mixed = [_shuffled(of_row[name], seed, f"row {name}") for name in names]
    for number, place in enumerate(passes(len(names), seed)):
        examples = mixed[place]
        yield examples[number // len(names) % len(examples)]


def budget(examples: Examples, order: Sequence[int], batch: int) -> Budget:
    """Return what an order of examples comes to."""
    seen = Counter(examples.rows[one] for one in order)
    rows = set(examples.rows)
    often = [seen[row] for row in rows]
    return Budget(
        steps=len(order) // batch,
        examples=len(order),
        passes=len(order) / len(examples),
        rows=len(rows),
        row_seen=(min(often), sum(often) / len(often), max(often)),
        trained=sum(examples.trained[one] for one in order),
        tokens=sum(examples.tokens[one] for one in order),
    )


def by_length(order: Sequence[int], lengths: Sequence[int], batch: int) -> list[int]:
    """Return an order in which each step has the same examples as before, the longest first.

    What is padded together is then of much the same length, while it stays chance which examples make a step; and a
    step that does not fit into memory fails at once rather than late.
    """
    found: list[int] = []
    for start in range(0, len(order), batch):
        found += sorted(order[start : start + batch], key=lambda one: -lengths[one])
    return found


def _steps(epochs: float, count: int, batch: int) -> int:
    """Return how many whole batches it takes; less than a millionth of one is rounding."""
    return max(1, -int(-(epochs * count / batch - 1e-6) // 1))


def _filled(stream: Iterator[int], count: int) -> tuple[int, ...]:
    return tuple(islice(stream, count))


def _until(stream: Iterator[int], trained: Sequence[int], wanted: int, batch: int) -> tuple[int, ...]:
    """Return as many whole batches as come closest to so many trained tokens."""
    order: list[int] = []
    done = 0
    while True:
        step = list(islice(stream, batch))
        more = sum(trained[one] for one in step)
        if order and done + more - wanted > wanted - done:
            return tuple(order)
        order += step
        done += more


def _shuffled(items: Sequence[int], seed: int, name: int | str) -> list[int]:
    found = list(items)
    Random(stable_hash(seed, "order", name)).shuffle(found)
    return found
