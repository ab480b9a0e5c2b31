"""Intervals are those of the textbooks, contain what they estimate, and are never empty."""

from math import fsum, sqrt

import pytest
from hypothesis import given, strategies as st

from lintseq.evaluation.intervals import combined, estimate, holm, t_quantile, t_tails, wilson

VALUES = st.sampled_from([0.0, 0.1, 0.5, 1.0])


def arms(problems: int):
    seed = st.lists(VALUES, min_size=problems, max_size=problems).map(lambda found: dict(zip("abcdef", found)))  # noqa: B905
    arm = st.integers(1, 4).flatmap(lambda size: st.lists(seed, min_size=size, max_size=size))
    return st.tuples(arm, arm)


TWO_ARMS = st.integers(1, 6).flatmap(arms)


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (10, 2.2281), (30, 2.0423)]
)
def test_quantiles_are_those_of_the_tables(degrees, quantile):
    assert t_quantile(degrees) == pytest.approx(quantile, abs=1e-4)
    assert t_tails(quantile, degrees) == pytest.approx(0.05, abs=1e-5)
    assert t_quantile(degrees + 0.99) == t_quantile(degrees)


def test_wilson_is_that_of_the_textbook():
    found = wilson(0.0, 100)
    assert (found.low, found.high) == (0, pytest.approx(0.0374, abs=1e-3))
    found = wilson(0.5, 100)
    assert (found.low, found.high) == (pytest.approx(0.404, abs=2e-3), pytest.approx(0.596, abs=2e-3))


@given(TWO_ARMS)
def test_intervals_contain_the_estimate_and_are_never_empty(both):
    for interval, ends in (
        (estimate(both[0]).score_interval(), (0, 1)),
        (estimate(*both).difference_interval(), (-1, 1)),
    ):
        assert ends[0] <= interval.low <= interval.value <= interval.high <= ends[1]
        assert interval.high - interval.low > 0.01


@given(TWO_ARMS)
def test_a_difference_is_that_of_the_means_and_changes_its_sign_with_the_order(both):
    first, second = both
    found, back = estimate(first, second), estimate(second, first)
    means = [fsum(fsum(seed.values()) / len(seed) for seed in arm) / len(arm) for arm in both]
    assert found.value == pytest.approx(means[0] - means[1])
    assert (-back.value, back.variance, back.degrees) == pytest.approx((found.value, found.variance, found.degrees))


@given(TWO_ARMS)
def test_an_interval_excludes_zero_where_the_p_value_is_below_five_percent(both):
    found = estimate(*both)
    interval = found.difference_interval()
    if abs(found.p_value - 0.05) > 1e-6 and interval.low > -1 and interval.high < 1:
        assert (interval.low <= 0 <= interval.high) == (found.p_value > 0.05)


def of_seeds(*means: float) -> list[dict[str, float]]:
    return [{str(number): mean + 0.1 * (number % 2) for number in range(100)} for mean in means]


def test_a_constant_difference_of_the_same_models_is_seen_whatever_varies_between_seeds():
    first, other = of_seeds(0.23, 0.53, 0.83), of_seeds(0.2, 0.5, 0.8)
    paired = estimate(first, other, paired=True).difference_interval()
    assert 0.01 < paired.low < 0.03 < paired.high < 0.05
    apart = estimate(first, other).difference_interval()
    assert apart.low < -0.5


def test_one_seed_is_about_this_model_and_few_seeds_make_wide_intervals():
    widths = []
    for count in (2, 3, 5, 20):
        found = estimate(
            of_seeds(*(0.4, 0.5, 0.6, 0.5, 0.45) * 4)[:count], of_seeds(*[0.5, 0.6, 0.4, 0.55] * 5)[:count]
        )
        interval = found.difference_interval()
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths, reverse=True)
    alone = estimate(of_seeds(0.4), of_seeds(0.5)).difference_interval()
    assert alone.high - alone.low < 0.05


def test_with_one_problem_nothing_is_known_about_others():
    found = estimate([{"a": 1.0}] * 3, [{"a": 0.0}] * 3)
    assert (found.difference_interval().low, found.difference_interval().high) == (-1, 1)
    assert found.p_value > 0.4


def test_degrees_of_freedom_are_between_the_least_and_the_sum():
    assert combined([(1.0, 4), (0.0, 99)]) == (1.0, 4)
    assert combined([(1.0, 4), (1.0, 4)]) == (2.0, 4)
    assert combined([(1.0, 4), (1.0, 4), (0.0, 99)]) == (2.0, 8)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_corrects_as_a_step_by_step_test_does(p_values):
    corrected = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        claimed: set[int] = set()
        for index in sorted(range(len(p_values)), key=p_values.__getitem__):
            if p_values[index] * (len(p_values) - len(claimed)) > level:
                break
            claimed.add(index)
        assert {index for index, value in enumerate(corrected) if value <= level} == claimed
    assert all(first <= second for first, second in zip(p_values, corrected, strict=True))
    assert not p_values or min(corrected) == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_the_t_interval_of_one_arm_is_the_textbook_one_where_only_problems_vary():
    values = [0.1 * (number % 10) for number in range(50)]
    found = estimate([dict(enumerate(values))])  # type: ignore[list-item]
    mean = fsum(values) / 50
    assert found.variance == pytest.approx(fsum((value - mean) ** 2 for value in values) / 49 / 50)
    assert found.degrees == pytest.approx(49)
    assert sqrt(found.variance) < 0.05
