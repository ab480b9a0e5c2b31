"""Duplicates: similarity is estimated precisely, and the first of similar programs is kept."""

import json
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.dataset.build import build
from lintseq.dataset.duplicates import (
    SHINGLE,
    Seen,
    bands_for,
    estimated_similarity,
    exact_signature,
    near_signature,
    shingles,
    tokens_of,
)
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions

AREA = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\n"
RENAMED = AREA.replace("print(area(2))", "print(area(3))")
OTHER = (
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n"
    "    def push(self, item):\n        self.items.append(item)\n"
)


def jaccard(first: str, second: str) -> float:
    a, b = shingles(tokens_of(first)), shingles(tokens_of(second))
    return len(a & b) / len(a | b)


@pytest.mark.parametrize(
    "same", [AREA, AREA.rstrip(), AREA.replace("\n", "\r\n"), AREA.replace("2))", "2))   "), AREA + "\n\n"]
)
def test_line_ends_and_trailing_blanks_make_no_difference(same: str) -> None:
    assert exact_signature(same) == exact_signature(AREA)


@pytest.mark.parametrize("other", [RENAMED, "\n" + AREA, AREA.replace("    ", "  "), AREA + "# end\n"])
def test_everything_else_makes_a_difference(other: str) -> None:
    assert exact_signature(other) != exact_signature(AREA)


@pytest.mark.parametrize(
    ("code", "tokens"),
    [
        ("x = 1  # a remark", ["x", "=", "1"]),
        ("s = 'a # b'  # c", ["s", "=", "'a # b'"]),
        ('f"""a\n"b" # c\n""" + x', ['f"""a\n"b" # c\n"""', "+", "x"]),
        ("a<=b", ["a", "<", "=", "b"]),
        ("x = 'open\ny = 2", ["x", "=", "'open", "y", "=", "2"]),
        ("é = ü1", ["é", "=", "ü1"]),
    ],
)
def test_comments_and_blanks_are_not_tokens_and_a_string_is_one_token(code: str, tokens: list[str]) -> None:
    assert tokens_of(code) == tokens


def test_a_short_program_is_one_shingle() -> None:
    assert len(shingles(tokens_of("x = 1"))) == 1
    assert len(shingles(list("abcdefg"))) == 7 - SHINGLE + 1


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0])
def test_bands_find_at_least_nineteen_of_twenty_pairs_at_the_threshold(similarity: float) -> None:
    bands, width = bands_for(similarity)
    assert 1 - (1 - similarity**width) ** bands >= 0.95
    assert bands * width >= 128


@pytest.mark.parametrize("similarity", [0.5, 0.75, 0.9])
def test_the_estimate_of_similarity_is_as_precise_as_predicted(similarity: float) -> None:
    """Off by no more than four standard deviations of a binomial, for pairs of all degrees."""
    bands, width = bands_for(similarity)
    for step in range(0, 60, 3):
        chance = Random(step)
        words = [f"w{chance.randrange(10**6)}" for _ in range(300)]
        changed = list(words)
        for index in chance.sample(range(300), step):
            changed[index] = "other"
        original, altered = " ".join(words), " ".join(changed)
        true = jaccard(original, altered)
        estimate = estimated_similarity(
            near_signature(original, similarity), near_signature(altered, similarity), similarity
        )
        assert abs(estimate - true) <= 4 * (true * (1 - true) / (bands * width)) ** 0.5 + 0.01


TEXTS = st.lists(st.sampled_from(["x", "y", "=", "1", "(", ")", "\n", "'s'", "# c\n", "é"]), max_size=40).map(" ".join)


@given(TEXTS, TEXTS)
def test_similarity_is_symmetric_and_that_of_equal_tokens_is_one(first: str, second: str) -> None:
    a, b = near_signature(first, 0.75), near_signature(second, 0.75)
    assert estimated_similarity(a, b, 0.75) == estimated_similarity(b, a, 0.75)
    assert 0 <= estimated_similarity(a, b, 0.75) <= 1
    if tokens_of(first) == tokens_of(second):
        assert estimated_similarity(a, b, 0.75) == 1


def test_the_first_of_similar_programs_is_kept() -> None:
    with closing(Seen(None, 0.5)) as seen:
        assert seen.add(0, "a", near_signature(AREA, 0.5)) is None
        assert seen.add(1, "b", near_signature(OTHER, 0.5)) is None
        match = seen.add(2, "c", near_signature(RENAMED, 0.5))
        assert match is not None
        assert (match.name, match.exact, match.reason) == ("a", False, "near-duplicate")
        assert abs(match.similarity - jaccard(AREA, RENAMED)) < 0.15
        again = seen.add(3, "d", near_signature(AREA + "\n", 0.5))
        assert again is not None
        assert (again.detail, again.reason) == ("same program as a", "duplicate")


numbers = st.lists(st.integers(0, 5), max_size=12)


@settings(max_examples=50, deadline=None)
@given(numbers, st.data())
def test_rewinding_restores_an_earlier_state(programs: list[int], data: st.DataObject) -> None:
    """Forgetting from any place on, and going on from there, is as if it had never been further."""
    count = data.draw(st.integers(0, len(programs)))
    signatures = [near_signature(f"x = {'a + ' * n}{n} * {n}", 0.75) for n in range(6)]
    with closing(Seen(None, 0.75)) as seen, closing(Seen(None, 0.75)) as fresh:
        for number, program in enumerate(programs):
            seen.add(number, str(number), signatures[program])
        seen.rewind(count)
        for number, program in enumerate(programs[:count]):
            fresh.add(number, str(number), signatures[program])
        for number, program in enumerate(data.draw(numbers), count):
            first, second = (memory.add(number, str(number), signatures[program]) for memory in (seen, fresh))
            assert first == second


def test_marked_programs_are_kept_and_others_are_forgotten(tmp_path: Path) -> None:
    path = str(tmp_path / "programs.sqlite")
    seen = Seen(path, 0.75)
    seen.add(0, "a", exact_signature("x = 1"))
    seen.mark()
    seen.add(1, "b", exact_signature("y = 1"))
    seen.close()
    with closing(Seen(path, 0.75)) as again:
        assert again.add(1, "c", exact_signature("x = 1")) is not None
        assert again.add(1, "c", exact_signature("y = 1")) is None


@pytest.mark.parametrize("duplicates", ["exact", "near"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_build_rejects_duplicates_and_names_the_original(duplicates: str, workers: int, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    programs = [AREA, OTHER, AREA + "\n", "def f(:", RENAMED, f"```python\n{OTHER}```"]
    rows = [{"id": n, "instruction": "", "program": program} for n, program in enumerate(programs)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = BuildOptions(
        samples=2, screening=ScreeningOptions(duplicates=duplicates, similarity=0.5 if duplicates == "near" else 0.75)
    )
    report = build([source], tmp_path / "out.jsonl", options=options, workers=workers)
    rejections = [json.loads(line) for line in Path(report.rejected).read_text().splitlines()]
    found = {rejection["id"]: (rejection["reason"], rejection["detail"]) for rejection in rejections}
    assert found[2] == ("duplicate", f"same program as {source}:1 (id 0)")
    assert found[5] == ("duplicate", f"same program as {source}:2 (id 1)")
    assert found[3][0] == "syntax"
    if duplicates == "near":
        assert found[4][0] == "near-duplicate"
        assert found[4][1].endswith(f"similar to {source}:1 (id 0)")
    kept = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert kept == [0, 0, 1, 1] + [4, 4] * (duplicates == "exact")
    assert (report.tally.rows, report.tally.sequences) == (6, len(kept))


def test_the_estimate_of_a_set_of_two_is_fair() -> None:
    """Small sets are estimated as precisely as large ones: each element wins half of the slots."""
    bands, width = bands_for(0.75)
    won = []
    for n in range(200):
        first = near_signature(f"a{n} b c d e f", 0.75)  # two shingles
        second = near_signature(f"a{n} b c d e", 0.75)  # one of them
        won.append(estimated_similarity(first, second, 0.75))
    mean = sum(won) / len(won)
    spread = (0.25 / (bands * width)) ** 0.5 / len(won) ** 0.5
    assert abs(mean - 0.5) < 5 * spread + 0.01
