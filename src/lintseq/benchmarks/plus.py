"""What HumanEval+ and MBPP+ have in common: calls, whose results are compared with those of the reference."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from lintseq.benchmarks.comparing import evalplus_oracle, wrapper
from lintseq.benchmarks.problems import Called

COLUMNS = frozenset({"task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol"})

Inputs = Sequence[Sequence[Any]]


def as_they_are(inputs: Inputs) -> Inputs:
    return inputs


def tests_of(
    family: Literal["humaneval", "mbpp"], row: Mapping[str, Any], *, read: Callable[[Inputs], Inputs] = as_they_are
) -> tuple[Called, ...]:
    """Return the tests of a problem: the base inputs, then those that EvalPlus added; `read` gives what JSON lost."""
    entry = row["entry_point"]
    oracle = partial(evalplus_oracle, family, entry, row["atol"])
    stages = ("base", row["base_input"]), ("plus", row["plus_input"])
    return tuple(
        Called(entry, tuple(map(tuple, read(inputs))), None, oracle, name, wrapper(entry))
        for name, inputs in stages
        if inputs
    )
