"""EvalPlus: the tests of HumanEval+ and MBPP+, which compare results with those of the reference solution.

The comparison works on plain data outside the program's process, so a program has no say in it. Its rules are those
of `evalplus/eval/__init__.py` and `_special_oracle.py` (version 0.3.1), without numpy.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from lintseq.benchmarks.problem import CallTest, Comparison, Problem, preview
from lintseq.benchmarks.python_code import snippet
from lintseq.sandbox import Limits

LIMITS = Limits(memory=4 << 30)
"""EvalPlus's memory limit. Its time limits, four times what the reference takes, come with the expected results."""
RELATIVE_TOLERANCE = 1e-07
"""Used wherever there is an absolute tolerance."""
FLOAT_TOLERANCE = 1e-06
"""Absolute tolerance for floats where the file says 0."""

Inputs = Sequence[Sequence[Any]]
ResultChecker = Callable[[tuple[Any, ...], Any, Any, float], bool]
"""Takes arguments, expected value, returned value and absolute tolerance."""


def plus_problem(
    family: Literal["humaneval", "mbpp"],
    row: Mapping[str, Any],
    instruction: str,
    *,
    context: str = "",
    aliases: tuple[str, ...] = (),
    convert: Callable[[Inputs], Inputs] = list,
) -> Problem:
    """Return a problem with two tests: the base inputs, then those that EvalPlus added.

    `convert` restores types that JSON lost.
    """
    prompt, entry, solution = row["prompt"], row["entry_point"], row["canonical_solution"]
    comparison = partial(evalplus_comparison, family, entry, row["atol"])
    stages = ("base", row["base_input"]), ("plus", row["plus_input"])
    tests = (
        CallTest(entry, tuple(map(tuple, convert(inputs))), None, comparison, name, wrapper(entry))
        for name, inputs in stages
        if inputs
    )
    return Problem(
        task_id=row["task_id"],
        prompt=prompt,
        instruction=instruction,
        entry_point=entry,
        reference=prompt + solution,
        tests=tuple(tests),
        prefix=prompt,
        context=context,
        limits=LIMITS,
        aliases=aliases,
        continuation=solution,
    )


def evalplus_comparison(family: str, entry_point: str, atol: float) -> Comparison:
    """Return a comparison for the results of one program, in the order of the calls.

    As in EvalPlus, once an expected value is a float, all later calls are compared with a tolerance.
    """
    special = _SPECIAL.get((family, entry_point))

    def compare(arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
        nonlocal atol
        if special is _is_zero:
            return None if _is_zero(arguments, expected, value, atol) else f"returned {preview(value)}, not a zero"
        exact = value == expected if special is None else special(arguments, expected, value, atol)
        if atol == 0 and _is_floats(expected):
            atol = FLOAT_TOLERANCE
        if exact or (atol != 0 and type(value) is type(expected) and is_close(value, expected, atol)):
            return None
        return f"returned {preview(value)}, expected {preview(expected)}"

    return compare


def _is_floats(value: Any) -> bool:
    """Return whether a value is a float, or a list or tuple of floats only."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def is_close(value: Any, expected: Any, atol: float) -> bool:
    """Return whether numbers, or lists of numbers of equal shape, are within the tolerance.

    As `numpy.allclose`, but without broadcasting.
    """
    if isinstance(expected, (list, tuple)):
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(expected)
            and all(is_close(item, other, atol) for item, other in zip(value, expected, strict=True))
        )
    if not isinstance(value, (int, float, complex)) or not isinstance(expected, (int, float, complex)):
        return False
    try:
        size = abs(expected)
        scale = size if math.isfinite(size) else 0.0
        return bool(value == expected or abs(value - expected) <= atol + RELATIVE_TOLERANCE * scale)
    except OverflowError:  # an int too large for a float
        return False


# Functions whose results EvalPlus checks in another way


def _is_zero(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """HumanEval/32: accepts any zero of the polynomial."""
    (coefficients,) = arguments
    total: float = sum(factor * math.pow(value, power) for power, factor in enumerate(coefficients))
    return abs(total) <= atol


def _is_surface_area(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/581: the height may be the perpendicular one."""
    edge, height = arguments
    slant = math.sqrt((edge / 2) ** 2 + height**2)
    return bool(value == expected or abs(value - round(edge**2 + 4 * (edge * slant) / 2)) <= atol)


def _is_digit_distance(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/558: the shorter number may be padded with zeros."""
    left, right = map(str, arguments)
    width = max(len(left), len(right))
    pairs = zip(left.zfill(width), right.zfill(width), strict=True)
    return bool(value == expected or value == sum(abs(int(a) - int(b)) for a, b in pairs))


def _is_as_present(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Only matters whether there is a result; a boolean result says so itself."""
    return bool(value == expected if isinstance(value, bool) else expected == (value is not None))


_MATCHES = ("check_str", "text_match_three", "text_starta_endb")
"""Functions of MBPP+ that may return a match object, which is not plain data."""
_LARGE = ("string_sequence", "tri", "combinations_colors")
"""Functions whose results on some inputs are too large to send. A digest is compared instead, in which equal numbers
are the same."""
_SAME_SET = (
    *("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum"),
    *("intersection_array", "find_dissimilar", "Diff"),
)
_SPECIAL: dict[tuple[str, str], ResultChecker] = {
    ("humaneval", "find_zero"): _is_zero,
    # Mbpp/164: the reference is wrong.
    ("mbpp", "are_equivalent"): lambda arguments, expected, value, atol: True,
    # Mbpp/295: the task does not say whether a number divides itself.
    ("mbpp", "sum_div"): lambda arguments, expected, value, atol: value in (expected, 0),
    ("mbpp", "surface_Area"): _is_surface_area,
    ("mbpp", "digit_distance_nums"): _is_digit_distance,
    # Order and repetition do not matter.
    **{("mbpp", name): lambda arguments, expected, value, atol: set(value) == set(expected) for name in _SAME_SET},
    **{("mbpp", name): _is_as_present for name in _MATCHES},
}
_WRAPPERS = {_MATCHES: "result_is_present.txt", _LARGE: "digest_of_result.txt"}


def wrapper(entry_point: str) -> str:
    """Return code that, appended to a program, makes its function return plain data of reasonable size."""
    file = next((file for names, file in _WRAPPERS.items() if entry_point in names), None)
    return "" if file is None else snippet(file).replace("ENTRY_POINT", entry_point)
