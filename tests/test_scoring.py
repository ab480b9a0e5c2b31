"""pass@k equals a count of all samples; intervals and differences do not depend on the order of problems."""

from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.evaluation.results import JudgedCompletion, counts_of
from lintseq.evaluation.scoring import difference, pass_at_k, scores

COUNTS = st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(COUNTS)
def test_pass_at_k_is_the_share_of_samples_with_a_correct_completion(case):
    n, c, k = case
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(float(Fraction(sum(map(any, choices)), len(choices))), abs=1e-15)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 4), (3, 1, 0), (0, 0, 1), (3, 4, 1), (3, -1, 1)])
def test_pass_at_k_raises_where_it_is_not_defined(n, c, k):
    with pytest.raises(ValueError, match=r"not defined|cannot be correct"):
        pass_at_k(n, c, k)


def test_large_numbers_are_exact():
    assert pass_at_k(10_000, 1, 1) == pytest.approx(1e-4, rel=1e-12)
    assert pass_at_k(10_000, 0, 100) == 0.0
    assert pass_at_k(200, 101, 100) == 1.0


def test_scores_are_none_for_k_above_n():
    found = scores({"a": (2, 1), "b": (5, 5)}, [1, 2, 5])
    assert found[5] is None
    assert found[1] is not None
    assert found[1].value == pytest.approx(0.75)


PROBLEMS = st.dictionaries(st.text(max_size=3), st.integers(0, 4).map(lambda c: (4, c)), min_size=1, max_size=8)


@settings(max_examples=25)
@given(PROBLEMS, st.randoms())
def test_scores_do_not_depend_on_the_order_of_problems(counts, rng: Random):
    names = list(counts)
    rng.shuffle(names)
    assert scores({name: counts[name] for name in names}, [1, 3]) == scores(counts, [1, 3])


@settings(max_examples=25)
@given(PROBLEMS)
def test_the_interval_contains_the_score(counts):
    found = scores(counts, [1])[1]
    assert found is not None
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1


def test_a_run_does_not_differ_from_itself():
    counts = {str(number): (5, number % 6) for number in range(50)}
    found = difference(counts, counts, 1)
    assert found is not None
    assert found.value == 0
    assert -0.05 < found.low < 0 < found.high < 0.05


def test_pairing_makes_a_small_consistent_gain_significant():
    before = {str(number): (10, number % 10) for number in range(60)}
    after = {name: (n, c + 1 + number % 2 * (c < 9)) for number, (name, (n, c)) in enumerate(before.items())}
    found = difference(after, before, 1)
    assert found is not None
    assert found.value == pytest.approx(0.14)
    assert found.low > 0.12


@pytest.mark.parametrize("correct", [0, 3])
def test_no_interval_is_empty(correct):
    found = scores({str(number): (3, correct) for number in range(40)}, [1, 3])
    for score in found.values():
        assert score is not None
        assert score.high - score.low == pytest.approx(0.09, abs=0.005)
        assert score.value == correct / 3


def test_differences_need_common_problems_and_enough_completions():
    assert difference({"a": (2, 1)}, {"b": (2, 1)}, 1) is None
    assert difference({"a": (2, 1)}, {"a": (1, 1)}, 2) is None


def test_completions_that_were_not_judged_do_not_count():
    verdicts = ("passed", "failed", "timeout", "not-run", "sandbox-error")
    assert counts_of([JudgedCompletion("a", 0, verdict) for verdict in verdicts]) == {"a": (3, 1)}
