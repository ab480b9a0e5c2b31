"""Matched arms: whatever the data, what should be equal is equal."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, strategies as st

from lintseq.errors import ConfigError
from lintseq.lm.matching import MATCHES, ExampleSizes, by_length, make_plan


def plain(tokens):
    return ExampleSizes(range(len(tokens)), tokens, [size + 5 for size in tokens])


def edits(sizes_of_rows):
    """Return the examples of rows, each with the lengths of its draws, in an order in which rows are mixed."""
    pairs = [(row, size) for row, sizes in enumerate(sizes_of_rows) for size in sizes]
    Random(len(pairs)).shuffle(pairs)
    return ExampleSizes([row for row, _ in pairs], [size for _, size in pairs], [size + 6 for _, size in pairs])


sizes = st.integers(1, 400)
data = st.lists(st.tuples(sizes, st.lists(sizes, min_size=1, max_size=6)), min_size=1, max_size=30)
settings = {"epochs": st.floats(0.1, 6), "batch": st.integers(1, 9), "seed": st.integers(0, 3)}


def arms(rows):
    return edits([draws for _, draws in rows]), plain([size for size, _ in rows])


@given(data, st.sampled_from(MATCHES), *settings.values())
def test_every_step_is_full_and_the_plan_is_deterministic(rows, match, epochs, batch, seed):
    own, reference = arms(rows)
    plan, again = (make_plan(own, reference, match=match, epochs=epochs, batch=batch, seed=seed) for _ in range(2))
    assert plan == again
    assert len(plan.order) == plan.own.steps * batch and plan.own.steps >= 1
    assert set(plan.order) <= set(range(len(own)))
    assert plan.own.trained == sum(own.trained[index] for index in plan.order)


@given(data, st.sampled_from(["steps", "tokens", "rows"]), *settings.values())
def test_the_plain_arm_is_its_own_reference_whatever_is_matched(rows, match, epochs, batch, seed):
    _, reference = arms(rows)
    plan = make_plan(reference, reference, match=match, epochs=epochs, batch=batch, seed=seed)
    alone = make_plan(reference, None, match="none", epochs=epochs, batch=batch, seed=seed)
    assert plan.order == alone.order
    assert plan.own == plan.reference == alone.own
    assert 0 <= plan.own.steps * batch - epochs * len(reference) < batch + 1e-3 or plan.own.steps == 1


@given(data, *settings.values())
def test_the_same_steps(rows, epochs, batch, seed):
    own, reference = arms(rows)
    plan = make_plan(own, reference, match="steps", epochs=epochs, batch=batch, seed=seed)
    assert plan.own.steps == plan.reference.steps
    assert plan.own.examples == plan.reference.examples
    seen = Counter(plan.order)
    assert max(seen.values()) - min(seen[index] for index in range(len(own))) <= 1


@given(data, *settings.values())
def test_the_same_rows_each_as_often_and_at_the_same_time(rows, epochs, batch, seed):
    own, reference = arms(rows)
    plan = make_plan(own, reference, match="rows", epochs=epochs, batch=batch, seed=seed)
    usual = make_plan(reference, reference, match="rows", epochs=epochs, batch=batch, seed=seed)
    assert [own.rows[index] for index in plan.order] == [reference.rows[index] for index in usual.order]
    for row in range(len(rows)):
        seen = Counter(index for index in plan.order if own.rows[index] == row)
        counts = [seen[index] for index in range(len(own)) if own.rows[index] == row]
        assert max(counts) - min(counts) <= 1


@given(data, *settings.values())
def test_the_same_tokens_to_half_a_step(rows, epochs, batch, seed):
    own, reference = arms(rows)
    plan = make_plan(own, reference, match="tokens", epochs=epochs, batch=batch, seed=seed)
    steps = [
        sum(own.trained[index] for index in plan.order[start : start + batch])
        for start in range(0, len(plan.order), batch)
    ]
    missed = plan.own.trained - plan.reference.trained
    assert plan.own.steps == 1 or 2 * missed <= steps[-1]
    # One step more would be no closer: a step is at most the largest batch there can be.
    assert -2 * missed <= batch * max(own.trained)
    seen = plan.own.row_seen
    assert seen[2] - seen[0] <= 1


def test_the_papers_arms_see_each_row_as_often_and_each_draw_twice():
    own = edits([[100 + row] * 5 for row in range(40)])
    plan = make_plan(own, plain([60] * 40), match="steps", epochs=10, batch=16, seed=42)
    assert plan.own.steps == 25
    assert set(Counter(plan.order).values()) == {2}
    assert plan.own.row_seen == plan.reference.row_seen == (10, 10, 10)
    assert plan.own.trained > plan.reference.trained


def test_a_row_with_more_draws_is_seen_more_if_steps_are_matched_and_not_if_rows_are():
    own, reference = edits([[10] * 9, [10]]), plain([10, 10])
    steps = make_plan(own, reference, match="steps", epochs=10, batch=4, seed=0)
    rows = make_plan(own, reference, match="rows", epochs=10, batch=4, seed=0)
    assert steps.own.row_seen == (2, 10, 18)
    assert rows.own.row_seen == (10, 10, 10)


@given(data, st.integers(1, 9), st.integers(0, 3))
def test_sorting_by_length_leaves_each_step_its_examples(rows, batch, seed):
    own, _ = arms(rows)
    order = make_plan(own, None, match="none", epochs=1.5, batch=batch, seed=seed).order
    done = by_length(order, own.tokens, batch)
    for start in range(0, len(order), batch):
        step = done[start : start + batch]
        assert sorted(step) == sorted(order[start : start + batch])
        assert [own.tokens[index] for index in step] == sorted((own.tokens[index] for index in step), reverse=True)


@pytest.mark.parametrize("wrong", [{"match": "token"}, {"epochs": 0}, {"epochs": float("nan")}, {"batch": 0}])
def test_options_out_of_range_are_rejected(wrong):
    usual = {"match": "steps", "epochs": 1, "batch": 2, "seed": 0}
    with pytest.raises(ConfigError):
        make_plan(plain([1]), plain([1]), **{**usual, **wrong})
    with pytest.raises(ConfigError, match="no examples"):
        make_plan(plain([]), plain([1]), **usual)
