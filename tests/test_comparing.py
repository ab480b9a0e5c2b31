"""Comparing results and outputs: EvalPlus's tolerances and special cases, contests, plain data as text."""

import math
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.benchmarks.contests import apps_agrees, code_contests_agrees, equality_comparison
from lintseq.benchmarks.evalplus import evalplus_comparison, is_close, wrapper
from lintseq.benchmarks.problem import CallTest, canonical_text
from lintseq.evaluation.diversity import distance, diversity, normalized
from lintseq.sandbox import JobResult, OpaqueValue, Raised, Returned
from lintseq.sandbox.data import decode, encode


def agrees(
    expected: Any, value: Any, *, atol: float = 0, name: str = "f", dataset: str = "mbpp", arguments: Any = ()
) -> bool:
    stage = CallTest(name, (tuple(arguments),), (expected,), lambda: evalplus_comparison(dataset, name, atol))
    return stage.judge([JobResult("passed", outcomes=(Returned(value),))]).verdict == "passed"


@pytest.mark.parametrize(
    ("expected", "value", "same"),
    [
        (1, 1, True),
        (1, True, True),
        (1, 1.0, True),
        ([1, 2], (1, 2), False),
        (0.1 + 0.2, 0.3, True),
        (1.0, 1.0 + 2e-6, False),
        ([1.0, 2.0], [1.0, 2.0000001], True),
        ([1.0, 2.0], [1.0], False),
        ([1.0], (1.0000001,), False),
        (1.0, "1.0", False),
        (math.inf, math.inf, True),
        (math.nan, math.nan, False),
        ([1.0, math.inf], [1.0000001, math.inf], True),
        ("a", None, False),
        ({"a": 1.0}, {"a": 1.0000001}, False),
    ],
)
def test_floats_are_compared_with_a_tolerance_and_everything_else_exactly(expected, value, same):
    assert agrees(expected, value) == same


def test_a_tolerance_in_the_file_applies_to_all_values():
    assert agrees(3, 4, atol=1)
    assert not agrees(3, 4.0, atol=1)
    assert agrees([1, [2.0]], [1, [2.5]], atol=0.5)
    assert not agrees("abc", "abd", atol=1)


def test_numbers_of_any_size_are_compared_and_shown():
    assert agrees(10**5000, 10**5000)
    assert not agrees(10**5000, 10**5000 + 1)
    assert not agrees(1.0, 10**5000)


def test_after_a_float_later_calls_are_compared_with_a_tolerance_too():
    def judged(expected: tuple[Any, ...], values: tuple[Any, ...]) -> str:
        stage = CallTest("f", ((),) * len(values), expected, lambda: evalplus_comparison("mbpp", "f", 0))
        return stage.judge([JobResult("passed", outcomes=tuple(map(Returned, values)))]).verdict

    assert judged((10**9, 1.0), (10**9 + 1, 1.0)) == "failed"
    assert judged((1.0, 10**9), (1.0, 10**9 + 1)) == "passed"


@pytest.mark.parametrize(
    ("dataset", "name", "arguments", "expected", "value", "same"),
    [
        ("humaneval", "find_zero", [[-1.0, 1.0]], 0.5, 1.00001, True),
        ("humaneval", "find_zero", [[-1.0, 1.0]], 1.0, 0.9, False),
        ("humaneval", "find_zero", [[-1.0, 1.0]], 1.0, "1.0", False),
        ("mbpp", "are_equivalent", [1, 2], True, False, True),
        ("mbpp", "sum_div", [6], 6, 0, True),
        ("mbpp", "sum_div", [6], 6, 12, False),
        ("mbpp", "surface_Area", [3, 4], 33, 35, True),
        ("mbpp", "surface_Area", [3, 4], 33, 34, False),
        ("mbpp", "digit_distance_nums", [1, 23], 99, 2 + 2, True),
        ("mbpp", "similar_elements", [[1], [1]], (1, 2), [2, 1, 1], True),
        ("mbpp", "similar_elements", [[1], [1]], (1, 2), None, False),
        ("mbpp", "check_str", ["a"], True, True, True),
        ("mbpp", "check_str", ["a"], True, False, False),
        ("mbpp", "other", ["a"], True, 7, False),
    ],
)
def test_some_functions_of_evalplus_have_special_comparisons(dataset, name, arguments, expected, value, same):
    assert agrees(expected, value, atol=1e-4, name=name, dataset=dataset, arguments=arguments) == same


numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)


@settings(deadline=None)  # numpy is imported by the first
@given(numbers, numbers, st.sampled_from([1e-6, 1e-4, 0.5]))
def test_numbers_are_close_as_in_numpy(value, other, atol):
    numpy = pytest.importorskip("numpy")
    assert is_close(value, other, atol) == bool(numpy.allclose(value, other, rtol=1e-07, atol=atol))


def test_calls_give_a_verdict_with_the_first_wrong_call():
    stage = CallTest("f", ((1,), (2,)), (1, 4), equality_comparison)

    def judged(*outcomes: Returned | Raised, verdict: Any = "passed", detail: str = "") -> tuple[str, str]:
        judgment = stage.judge([JobResult(verdict, detail, outcomes=outcomes)])
        return judgment.verdict, judgment.detail

    assert judged(Returned(1), Returned(4)) == ("passed", "")
    assert judged(Returned(1), Returned(5)) == ("failed", "call 2 of 2, f(2), returned 5, expected 4")
    assert judged(Returned(1), Raised("ValueError", "no")) == ("error", "call 2 of 2, f(2), raised ValueError: no")
    assert judged(Returned(1)) == ("error", "only 1 of 2 calls came back")
    assert judged(Returned(1), verdict="timeout", detail="slow") == ("timeout", "slow")
    assert judged(Returned(2), verdict="timeout")[0] == "failed"


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("1 2\n", "1  2", True),
        ("YES", "yes\n", True),
        ("0.333333", "0.3333334", True),
        ("0.3333", "0.3334", False),
        ("1", "1.0", True),
        ("1\n2", "1 2", True),
        ("1", "1 2", False),
        ("", "\n", True),
        ("abc", "abd", False),
        ("1_0", "10", False),
        ("nan", "nan", True),
    ],
)
def test_contest_outputs_agree_up_to_case_white_space_and_small_differences(printed, expected, same):
    assert code_contests_agrees(printed, expected) == same


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("1 2 \n\n3", "1 2\n3\n", True),
        ("1\n2", "1 2", False),
        ("YES", "yes", False),
        ("0.30000000001", "0.3", True),
        ("100000.1", "100000.2", True),
        ("1.01", "1", False),
    ],
)
def test_outputs_of_apps_agree_line_by_line(printed, expected, same):
    assert apps_agrees(printed, expected) == same


@pytest.mark.parametrize(("name", "result"), [("text_match_three", SimpleNamespace()), ("tri", [1.0] * 20000)])
def test_wrapped_functions_return_plain_data_of_a_reasonable_size(name, result):
    space: dict[str, Any] = {name: lambda: result}
    exec(wrapper(name), space)
    assert len(repr(space[name]())) < 200


def test_digests_of_equal_numbers_are_equal():
    def digest(values: list[Any]) -> Any:
        space: dict[str, Any] = {"tri": lambda: values}
        exec(wrapper("tri"), space)
        return space["tri"]()

    assert digest([1, 2.0] * 9000) == digest([True, 2] * 9000)
    assert digest([1, 2.5] * 9000) != digest([1, 2] * 9000)
    assert digest([1, 2.0]) == [1, 2.0]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(scalars, inner, max_size=3)
        | st.sets(scalars, max_size=3)
        | st.frozensets(scalars, max_size=3)
    ),
    max_leaves=10,
)


@given(plain)
def test_equal_values_have_equal_texts_on_one_line(value):
    copy = decode(encode(value))
    assert copy == value
    assert canonical_text(copy) == canonical_text(value)
    assert "\n" not in canonical_text(value)


def test_large_numbers_and_opaque_values_have_a_text_too():
    values = (
        10**9999,
        -(10**9999),
        OpaqueValue("a.B", "b()"),
        OpaqueValue("a.B", None),
        math.inf,
        -math.inf,
        math.nan,
    )
    texts = [canonical_text(value) for value in values]
    assert len(set(texts)) == len(values)
    assert [canonical_text(decode(encode(value))) for value in values] == texts
    assert canonical_text([2**70, {"b", "a"}]) == "[0x400000000000000000,set(['a','b'])]"


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_distance_of_texts_is_that_of_the_textbook(text, other):
    row = list(range(len(other) + 1))
    for index, char in enumerate(text, 1):
        before, row[0] = row[0], index
        for column, against in enumerate(other, 1):
            before, row[column] = (row[column], min(row[column] + 1, row[column - 1] + 1, before + (char != against)))
    assert distance(text, other) == distance(other, text) == row[-1]


def test_layout_comments_and_docstrings_do_not_make_programs_different():
    program = 'def f(x):\n    """Doc."""\n    return (x)  # comment\n'
    assert normalized(program) == normalized("def f( x ):\n  return x\n") != normalized("def f(x):\n    return y\n")
    assert normalized("def f(:\n\n") == normalized("def f(:")


def test_diversity_counts_programs_behaviors_and_pairs():
    found = diversity(["x = 1", "x=1", "x = 2", "x = 2"], ["a", "a", "a", "b"])
    assert (found["distinct_programs"], found["distinct_behaviors"]) == (0.5, 0.5)
    assert found["pairwise_similarity"] == pytest.approx((2 * 1.0 + 4 * 0.8) / 6)


@given(st.lists(st.text("xy=1 \n", max_size=8), min_size=2, max_size=30), st.randoms())
def test_diversity_does_not_depend_on_order(programs, rng: Random):
    shuffled = list(programs)
    rng.shuffle(shuffled)
    assert diversity(programs, programs) == diversity(shuffled, shuffled)
