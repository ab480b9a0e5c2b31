"""Whether what a program gave is what was expected: the rules of EvalPlus, of CodeContests and of APPS.

Works on plain data, outside of the program, which so has no say in the comparison. EvalPlus's rules are those
of its `evalplus/eval/__init__.py` and `_special_oracle.py` (version 0.3.1), without numpy; CodeContests'
those of `execution/tester_sandboxer.cc`.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from lintseq.benchmarks.problems import Agrees, short
from lintseq.sandbox.job import Limits

RELATIVE = 1e-07
"""EvalPlus's relative tolerance, wherever it has an absolute one."""
FLOATS = 1e-06
"""Its absolute tolerance for floats, where the file says 0."""


PLUS_LIMITS = Limits(memory=4 << 30)
"""What EvalPlus allows; its time limits, four times what the reference takes, come with the expected results."""


def evalplus_oracle(dataset: str, entry_point: str, atol: float) -> Agrees:
    """Return what compares the results of one program with those expected, in the order of the calls.

    As in EvalPlus, an expected float makes the comparison of all later calls tolerant too.
    """
    special = SPECIAL.get((dataset, entry_point))

    def agrees(arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
        nonlocal atol
        if special is find_zero:
            return None if find_zero(arguments, expected, value, atol) else f"returned {short(value)}, not a zero"
        exact = value == expected if special is None else special(arguments, expected, value, atol)
        if atol == 0 and is_floats(expected):
            atol = FLOATS
        if exact or (atol != 0 and type(value) is type(expected) and is_close(value, expected, atol)):
            return None
        return f"returned {short(value)}, expected {short(expected)}"

    return agrees


def equal_oracle() -> Agrees:
    """Return what wants results to be equal, a tuple to a list of the same values too, as JSON has no tuples."""

    def agrees(arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
        equal = _without_tuples(value) == _without_tuples(expected)
        return None if equal else f"returned {short(value)}, expected {short(expected)}"

    return agrees


def is_floats(value: Any) -> bool:
    """Tell whether a value is a float, or a list or tuple of nothing but floats."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(one, float) for one in value)
    return isinstance(value, float)


def is_close(value: Any, expected: Any, atol: float) -> bool:
    """Tell whether numbers, or lists of them of one shape, differ by no more than the tolerance allows; as
    `numpy.allclose`, except that shapes are not stretched to fit."""
    if isinstance(expected, (list, tuple)):
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(expected)
            and all(is_close(one, other, atol) for one, other in zip(value, expected, strict=True))
        )
    if not isinstance(value, (int, float, complex)) or not isinstance(expected, (int, float, complex)):
        return False
    try:
        return bool(value == expected or abs(value - expected) <= atol + RELATIVE * _finite(abs(expected)))
    except OverflowError:  # an int too large for a float
        return False


def _finite(size: float) -> float:
    return size if math.isfinite(size) else 0.0


# Where EvalPlus compares in another way. Each is told the arguments, the expected value, the value, the tolerance.

Special = Callable[[tuple[Any, ...], Any, Any, float], bool]


def find_zero(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """HumanEval/32: any zero of the polynomial will do."""
    (coefficients,) = arguments
    total: float = sum(factor * math.pow(value, power) for power, factor in enumerate(coefficients))
    return abs(total) <= atol


def anything(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/164: the reference is wrong."""
    return True


def or_zero(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/295: whether a number divides itself is not said."""
    return bool(value in (expected, 0))


def surface_area(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/581: the height may be meant to stand on the base."""
    edge, height = arguments
    slant = math.sqrt((edge / 2) ** 2 + height**2)
    return bool(value == expected or abs(value - round(edge**2 + 4 * (edge * slant) / 2)) <= atol)


def digit_distance(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """Mbpp/558: the shorter number may be padded with zeros."""
    one, other = map(str, arguments)
    width = max(len(one), len(other))
    pairs = zip(one.zfill(width), other.zfill(width), strict=True)
    return bool(value == expected or value == sum(abs(int(a) - int(b)) for a, b in pairs))


def same_set(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """The order does not matter, nor how often a thing is there."""
    return set(value) == set(expected)


def both_there(arguments: tuple[Any, ...], expected: Any, value: Any, atol: float) -> bool:
    """What matters is whether there is a result; a result that is a truth value says it itself."""
    return bool(value == expected if isinstance(value, bool) else expected == (value is not None))


PRESENCE = ("check_str", "text_match_three", "text_starta_endb")
"""Functions of MBPP+ that may return a match, which is no plain data."""

LARGE = ("string_sequence", "tri", "combinations_colors")
"""Functions whose results on some inputs are too large to be sent: of those, a digest is compared, in which numbers
that are equal are the same."""

_WRAPPERS = {
    PRESENCE: """

def lintseq_wrapped(function):
    def wrapped(*given):
        result = function(*given)
        return result if isinstance(result, bool) else result is not None
    return wrapped

{name} = lintseq_wrapped({name})
""",
    LARGE: """

def lintseq_wrapped(function):
    import hashlib, marshal
    def wrapped(*given):
        result = function(*given)
        if type(result) not in (str, list) or len(result) < 10000:
            return result
        digest = hashlib.sha256()
        for part in [result] if type(result) is str else result:
            if type(part) in (bool, float) and part % 1 == 0:
                part = int(part)
            digest.update(marshal.dumps(part, 2))
        return [type(result).__name__, len(result), digest.hexdigest()]
    return wrapped

{name} = lintseq_wrapped({name})
""",
}


def wrapper(entry_point: str) -> str:
    """Return the code behind a program that makes what a function returns plain data of a reasonable size."""
    return next((code.format(name=entry_point) for names, code in _WRAPPERS.items() if entry_point in names), "")


SPECIAL: dict[tuple[str, str], Special] = {
    ("humaneval", "find_zero"): find_zero,
    ("mbpp", "are_equivalent"): anything,
    ("mbpp", "sum_div"): or_zero,
    ("mbpp", "surface_Area"): surface_area,
    ("mbpp", "digit_distance_nums"): digit_distance,
    **{
        ("mbpp", name): same_set
        for name in (
            "similar_elements",
            "find_char_long",
            "common_in_nested_lists",
            "extract_singly",
            "larg_nnum",
            "intersection_array",
            "find_dissimilar",
            "Diff",
        )
    },
    **{("mbpp", name): both_there for name in PRESENCE},
}


# Standard output

_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)")
NUMBERS = 1e-5
"""How far printed numbers may be apart."""


def code_contests_agrees(printed: str, expected: str) -> bool:
    """Tell whether two outputs are the same but for case, white space, and numbers that are close."""
    ours, theirs = _words(printed), _words(expected)
    if ours == theirs:
        return True
    return len(ours) == len(theirs) and all(map(_words_agree, ours, theirs))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[ \n\t\r\v]+", text.lower()) if word]


def _words_agree(one: str, other: str) -> bool:
    if one == other and not one.endswith("nan"):
        return True
    if not _NUMBER.fullmatch(one) or not _NUMBER.fullmatch(other):
        return False
    return abs(float(one) - float(other)) < NUMBERS


def apps_agrees(printed: str, expected: str) -> bool:
    """Tell whether two outputs have the same lines, but for white space and numbers that are close, as in APPS."""
    ours, theirs = _lines(printed), _lines(expected)
    if ours == theirs:
        return True
    return len(ours) == len(theirs) and all(map(_lines_agree, ours, theirs))


def _lines(text: str) -> list[list[str]]:
    return [words for line in text.split("\n") if (words := line.split())]


def _lines_agree(one: list[str], other: list[str]) -> bool:
    return len(one) == len(other) and all(map(_apps_words_agree, one, other))


def _apps_words_agree(one: str, other: str) -> bool:
    if one == other:
        return True
    if not _NUMBER.fullmatch(one.lower()) or not _NUMBER.fullmatch(other.lower()):
        return False
    return is_close(float(one), float(other), 1e-08) or abs(float(one) - float(other)) <= 1e-05 * abs(float(other))


def _without_tuples(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_without_tuples(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_tuples(one) for key, one in value.items()}
    return value
