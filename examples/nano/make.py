"""Generate the pairs, the problems and the corpus of the small world, deterministically.

    pairs.jsonl         instructions and programs for finetuning
    problems.jsonl      problems in the columns of HumanEval, for evaluation
    validation.jsonl    more problems, for choosing settings
    corpus.jsonl.gz     more pairs, for pretraining

The combination of ideas in a problem is in no pair and nowhere in the corpus, whatever the source of its items; each
single idea is in many. No pair, of the corpus either, behaves like a problem. Every idea of a plan matters: without
it, the program would behave differently.

    python examples/nano/make.py [FOLDER]
"""

import ast
import builtins
import gzip
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

from world import (
    CHANGES,
    ENDS,
    KEEPS,
    SOURCES,
    Names,
    Parameter,
    Plan,
    Source,
    body,
    draw_names,
    extras,
    instruction,
    makes_sense,
    program,
    signature,
    styles,
)

PAIRS, PROBLEMS, VALIDATION, TEXTS = 1800, 120, 50, 6000
SEED = 2025
HELD_OUT = 8
"""One in this many combinations is held out for problems."""
LINES = range(4, 17)
"""Allowed lengths of programs, in lines."""
CALLS = 12
"""Minimum number of calls in a test; more if needed to distinguish a program from its neighbors."""
POOL = 48

_WEIGHTS = {
    "numbers": 6,
    "range": 2,
    "grid": 2,
    "words": 5,
    "sentence": 3,
    "text": 5,
    "number-class": 2,
    "word-class": 2,
}
_STYLES = {"nested": 4, "skipping": 3, "staged": 2, "helper": 2, "changer": 3, "short": 2}

# Plans


def plans(rng: Random, *, held_out: bool) -> Iterator[Plan]:
    """Yield distinct plans forever, of the combinations that are held out for problems or of the others."""
    seen = set()
    while True:
        plan = _drawn(rng)
        if plan.name not in seen and makes_sense(plan) and is_held_out(plan) == held_out and every_idea_matters(plan):
            seen.add(plan.name)
            yield plan


def _drawn(rng: Random) -> Plan:
    (source,) = rng.choices(SOURCES, [_WEIGHTS[source.name] for source in SOURCES])
    keep = rng.choice(KEEPS[source.kind]) if rng.random() < 0.8 else None
    change = rng.choice(CHANGES[source.kind]) if rng.random() < 0.65 else None
    end = rng.choice(ENDS[change.gives if change else source.kind])
    special = extras(source)
    change = None if end.bare else change
    return Plan(source, keep, change, end, rng.choice(special) if special and rng.random() < 0.4 else None)


def is_held_out(plan: Plan) -> bool:
    """Tell whether a combination of ideas is held out for problems."""
    digest = blake2b("\0".join(plan.core).encode(), digest_size=4).digest()
    return bool(plan.keep or plan.change) and int.from_bytes(digest) % HELD_OUT == 0


def every_idea_matters(plan: Plan) -> bool:
    """Tell whether the program would behave differently without any one of its ideas."""
    names = behavior_names(plan)
    calls = pool(plan.source, names.parameters, names.defaults)
    own = outcomes(plan, names, calls)
    less = [replace(plan, **{name: None}) for name in ("keep", "change", "extra") if getattr(plan, name) is not None]
    return all(own != outcomes(other, names, calls) for other in less if fits(other))


def neighbors(plan: Plan) -> Iterator[Plan]:
    """Yield the plans that differ in one idea and take the same arguments."""
    kind = plan.source.kind
    choices: dict[str, Sequence[Any]] = {
        "keep": (None, *KEEPS[kind]),
        "change": (None, *CHANGES[kind]),
        "end": ENDS[plan.change.gives if plan.change else kind],
        "extra": (None, *extras(plan.source)),
    }
    for name, ideas in choices.items():
        for idea in ideas:
            other = replace(plan, **{name: idea})
            if other != plan and makes_sense(other) and set(other.parameters) <= set(plan.parameters):
                yield other


def fits(plan: Plan) -> bool:
    """Tell whether the end can be computed from the changed items, so that there is a program."""
    return plan.end in ENDS[plan.change.gives if plan.change else plan.source.kind]


# What programs do


Call = tuple[Any, ...]
"""The arguments of a function; for a class, the list of items to add, then the arguments of the constructor."""

_WORDS = (
    "apple", "Anna", "tree", "noon", "Level", "see", "a", "I", "sun", "Sea", "stone", "house",
    "abba", "Otto", "eve", "lake", "kite", "ABC", "xyz", "ease", "so", "tea", "Rome", "lines",
    "radar", "able", "Elle", "oak", "note", "mouse", "b2", "42", "pop", "cease", "Sand", "size",
)  # fmt: skip
_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "limit": (5, 0, 3, 10, -2, 2),
    "size": (3, 2, 4, 1, 5),
    "letter": ("a", "e", "s", "o"),
    "skipped": ("a", "e", "s", " "),
    "allowed": ("abc", "xyz12", "aeiou", "A b"),
    "step": (1, 2, 10, -3),
    "prefix": ("so-", "x", "e"),
    "mark": ("-", "*", "a"),
}


def _number(rng: Random) -> int:
    return rng.choice([rng.randint(-12, 12), rng.randint(0, 9), rng.randint(-40, 60), 5 * rng.randint(-3, 6)])


def _numbers(rng: Random, most: int) -> list[int]:
    found = [_number(rng) for _ in range(rng.randint(1, most))]
    return found + found[: rng.choice([0, 0, 1, 2])]


def _some_words(rng: Random, most: int) -> list[str]:
    found = [rng.choice(_WORDS) for _ in range(rng.randint(1, most))]
    return found + found[: rng.choice([0, 0, 1])]


def _letters(rng: Random, most: int) -> str:
    return "".join(rng.choice("aeiouaebcxyzmnstABEZ 0159  -") for _ in range(rng.randint(1, most)))


_FIRST: dict[str, tuple[Any, ...]] = {
    "numbers": ([], [0], [4], [-3], [12, 15]),
    "range": (0, 1, 2, -2, 5),
    "grid": ([], [[]], [[6]], [[], [-1]], [[3, 3]]),
    "words": ([], ["a"], ["Anna"], ["stone"], ["see", "see"]),
    "sentence": ("", "a", "Anna", "stone", "see see"),
    "text": ("", "a", "Z", " ", "aa1"),
    "number-class": ([], [0], [4], [-3], [12, 15]),
    "word-class": ([], ["a"], ["Anna"], ["stone"], ["see", "see"]),
}
_DRAWN: dict[str, Callable[[Random], Any]] = {
    "numbers": lambda rng: _numbers(rng, 8),
    "range": lambda rng: rng.randint(3, 30),
    "grid": lambda rng: [_numbers(rng, 4)[: rng.randint(0, 5)] for _ in range(rng.randint(1, 3))],
    "words": lambda rng: _some_words(rng, 7),
    "sentence": lambda rng: " ".join(_some_words(rng, 7)),
    "text": lambda rng: _letters(rng, 12),
    "number-class": lambda rng: _numbers(rng, 8),
    "word-class": lambda rng: _some_words(rng, 7),
}


@cache
def pool(source: Source, parameters: tuple[Parameter, ...], defaults: bool) -> tuple[Call, ...]:
    """Return calls that reveal the behavior of programs, starting with empty and small inputs."""
    rng = Random(f"{source.name} {len(parameters)}")
    inputs = [*_FIRST[source.name], *(_DRAWN[source.name](rng) for _ in range(POOL))]
    calls = []
    for number, first in enumerate(inputs):
        rest = () if defaults and number % 3 == 0 else tuple(rng.choice(_ARGUMENTS[p.name]) for p in parameters)
        calls.append((first, *rest))
    return tuple(calls)


RAISED = "ValueError"
"""The outcome of a call that raises `ValueError`."""


def outcomes(plan: Plan, names: Names, calls: Sequence[Call], *, style: str = "nested") -> list[Any]:
    """Return the result of each call of the program of a plan."""
    space: dict[str, Any] = {}
    names = replace(names, grows=plan.end.grows[0])
    exec(compile(program(plan, names, style), "<nano>", "exec"), space)
    made = space[names.function]
    return [_outcome(made, call, is_class=plan.source.is_class) for call in calls]


def _outcome(made: Any, call: Call, *, is_class: bool) -> Any:
    try:
        if not is_class:
            return made(*call)
        fed = made(*call[1:])
        for item in call[0]:
            fed.add(item)
        return fed.answer()
    except ValueError:
        return RAISED


def behavior_names(plan: Plan) -> Names:
    """Return the same names for all plans with the same source, for comparing behavior."""
    return Names("made", plan.source.parameters[0], plan.source.each[0], plan.end.grows[0], plan.parameters, True)


def behavior(plan: Plan) -> str:
    """Return a key that is the same for plans with the same arguments and behavior."""
    names = behavior_names(plan)
    calls = pool(plan.source, names.parameters, names.defaults)
    key = [plan.source.name, [parameter.name for parameter in names.parameters], repr(outcomes(plan, names, calls))]
    return blake2b(json.dumps(key).encode(), digest_size=16).hexdigest()


def shape(code: str) -> str:
    """Return the syntax tree of a program with its own names replaced by numbers."""
    numbers: dict[str, str] = {}

    def number(name: str) -> str:
        return numbers.setdefault(name, f"n{len(numbers)}")

    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            node.id = number(node.id)
        elif isinstance(node, ast.arg):
            node.arg = number(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.name = number(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            node.attr = number(node.attr)
    return ast.dump(tree)


# Rows


def pair_rows(count: int, rng: Random, *, taken: Set[str] = frozenset()) -> Iterator[tuple[Plan, dict[str, str]]]:
    """Yield plans and rows of pairs that behave like none of the `taken` ones."""
    for number, (plan, names, code) in enumerate(_written(count, rng, taken)):
        text = instruction(plan, names, rng)
        yield plan, {"id": f"{number:04}-{plan.name}", "instruction": text, "program": code}


def _written(count: int, rng: Random, taken: Set[str]) -> Iterator[tuple[Plan, Names, str]]:
    stream = plans(rng, held_out=False)
    while count:
        plan = next(stream)
        names = draw_names(plan, rng)
        fitting = {style: code for style in styles(plan) if code_fits(code := program(plan, names, style))}
        if fitting and not (taken and {behavior(plan), *map(shape, fitting.values())} & taken):
            (style,) = rng.choices(list(fitting), [_STYLES[style] for style in fitting])
            yield plan, names, fitting[style]
            count -= 1


def code_fits(code: str) -> bool:
    return code.count("\n") in LINES


def problem_rows(count: int, rng: Random, *, taken: set[str]) -> Iterator[tuple[Plan, dict[str, str]]]:
    """Yield plans and problems that behave like none of the `taken` ones, and add them."""
    stream = plans(rng, held_out=True)
    while count:
        plan = next(stream)
        names = draw_names(plan, rng)
        calls = distinguishing_calls(plan, names)
        marks = {" ".join(plan.core), *marks_of(plan)}
        if calls is None or marks & taken or not code_fits(program(plan, names, "nested")):
            continue
        taken |= marks
        count -= 1
        text = instruction(plan, names, rng)
        head = f"class {names.function}:" if plan.source.is_class else f"def {signature(plan, names)}:"
        yield (
            plan,
            {
                "task_id": f"nano/{plan.name}",
                "instruction": text,
                "prompt": f'{head}\n    """{text}"""\n',
                "entry_point": names.function,
                "canonical_solution": body(plan, names),
                "test": test_of(plan, names, calls),
            },
        )


def marks_of(plan: Plan) -> set[str]:
    """Return keys that equal programs and programs of the same behavior share."""
    names = behavior_names(plan)
    return {behavior(plan), *(shape(program(plan, names, style)) for style in styles(plan))}


def distinguishing_calls(plan: Plan, names: Names) -> list[Call] | None:
    """Return calls that distinguish a program from all its neighbors; None if there are none."""
    calls = pool(plan.source, names.parameters, names.defaults)
    own = outcomes(plan, names, calls)
    unlike = [
        {index for index, outcome in enumerate(outcomes(other, names, calls)) if outcome != own[index]}
        for other in neighbors(plan)
    ]
    if not all(unlike):
        return None
    chosen = {0, 1}
    while left := [indices for indices in unlike if not indices & chosen]:
        chosen.add(max(range(len(calls)), key=lambda index: sum(index in indices for indices in left)))
    chosen.update([index for index in range(len(calls)) if index not in chosen][: max(CALLS - len(chosen), 0)])
    return [calls[index] for index in sorted(chosen)]


def test_of(plan: Plan, names: Names, calls: Sequence[Call]) -> str:
    """Return a test in the form of HumanEval."""
    lines = ["def check(candidate):"]
    called = "candidate"
    if plan.source.is_class:
        called = "run"
        lines += [
            "    def run(items, *arguments):",
            "        made = candidate(*arguments)",
            "        for item in items:",
            "            made.add(item)",
            "        return made.answer()",
            "",
        ]
    for call, outcome in zip(calls, outcomes(plan, names, calls), strict=True):
        text = f"{called}({', '.join(map(repr, call))})"
        if outcome == RAISED:
            lines += ["    try:", f"        {text}", "        assert False", "    except ValueError:", "        pass"]
        else:
            lines.append(f"    assert {text} == {outcome!r}")
    return "\n".join(lines) + "\n"


# Files


Rows = list[tuple[Plan, dict[str, str]]]


def world() -> dict[str, Rows]:
    """Return the rows of pairs, problems and validation problems, each with its plan."""
    pairs = list(pair_rows(PAIRS, Random(SEED)))
    taken = {behavior(plan) for plan, _ in pairs} | {shape(row["program"]) for _, row in pairs}
    problems = list(problem_rows(PROBLEMS, Random(SEED + 1), taken=taken))
    validation = list(problem_rows(VALIDATION, Random(SEED + 2), taken=taken))
    return {"pairs": pairs, "problems": problems, "validation": validation}


def corpus(count: int, problems: Iterable[tuple[Plan, dict[str, str]]]) -> Rows:
    """Return the pairs of the corpus, each with its plan; none behaves like one of the problems."""
    return list(pair_rows(count, Random(SEED + 3), taken={mark for plan, _ in problems for mark in marks_of(plan)}))


def lines(rows: Iterable[tuple[Plan, dict[str, str]]]) -> bytes:
    """Return rows as lines of JSON."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for _, row in rows).encode()


def main(folder: Path) -> None:
    """Write the files into a folder."""
    made = world()
    for name, rows in made.items():
        (folder / f"{name}.jsonl").write_bytes(lines(rows))
    texts = corpus(TEXTS, [*made["problems"], *made["validation"]])
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines(texts), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
