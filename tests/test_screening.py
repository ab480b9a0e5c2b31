"""Screening: rows are rejected by their license, and by what they share with benchmarks."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lintseq.cli import main
from lintseq.dataset import screening
from lintseq.dataset.build import build
from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import (
    Screen,
    ScreeningOptions,
    benchmarks_digest,
    check_screening,
    licenses_of,
    words_of,
)
from lintseq.errors import ConfigError, ProgramError

DATA = Path(__file__).parents[2] / "shared" / "data"
TASK = {
    "task_id": "T/0",
    "prompt": "Write a function that returns the shortest way between two stations of a tram network, given as a"
    " dict from each station to its neighbors, or None if there is no way at all between the two of them.",
    "canonical_solution": "def way(net, a, b):\n    seen, queue = {a: None}, [a]\n    for place in queue:\n"
    "        for near in net[place]:\n            if near not in seen:\n                seen[near] = place\n"
    "                queue.append(near)\n    return seen.get(b)\n",
    "test": "assert way({}, 1, 1) is None and this is a long text of tests that nobody should ever look at for words",
}


def screen(tmp_path: Path, *rows: dict[str, Any], **options: Any) -> Screen:
    path = tmp_path / "benchmark.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    screening._benchmarks.cache_clear()  # benchmarks are read once in a process
    return Screen(ScreeningOptions(decontaminate=(str(path),), **options))


def verdict(
    screener: Screen, instruction: str, program: str = "x = 1\n", row: dict[str, Any] | None = None
) -> str | None:
    """Return why a row is not wanted, or None."""
    try:
        screener.check(row or {}, instruction, program)
    except ProgramError as error:
        return f"{error.reason}: {error.detail}"
    return None


# Benchmarks


def test_a_task_of_a_benchmark_is_found_and_named(tmp_path: Path) -> None:
    found = verdict(screen(tmp_path, TASK), TASK["prompt"])
    assert found is not None
    assert found.startswith("contaminated: 100% of 'prompt' of benchmark.jsonl:1 (task_id T/0): 'write a function")


def test_capitals_marks_and_line_breaks_do_not_hide_it(tmp_path: Path) -> None:
    disguised = "## Task:\n" + TASK["prompt"].upper().replace(" ", "\n  ").replace(",", " --")
    assert verdict(screen(tmp_path, TASK), disguised) is not None


def test_a_solution_is_found_wherever_it_stands_in_the_program(tmp_path: Path) -> None:
    program = "import sys\n\n\ndef other():\n    pass\n\n\n" + TASK["canonical_solution"] + "\nprint(way)\n"
    found = verdict(screen(tmp_path, TASK), "Find a route.", program)
    assert found is not None
    assert "'canonical_solution' of benchmark.jsonl:1" in found


@pytest.mark.parametrize(("share", "contaminated"), [(0.4, False), (0.45, False), (0.55, True), (0.9, True)])
def test_half_of_a_text_is_enough_and_less_is_not(share: float, contaminated: bool, tmp_path: Path) -> None:
    words = [f"word{n}" for n in range(200)]
    part = words[: int(share * 200)]
    screener = screen(tmp_path, {"prompt": " ".join(words)})
    assert (verdict(screener, " ".join(["before", *part, "after"])) is not None) == contaminated


def test_tests_of_a_benchmark_are_not_compared(tmp_path: Path) -> None:
    assert verdict(screen(tmp_path, TASK), TASK["test"]) is None


def test_ngrams_of_many_rows_of_a_benchmark_do_not_count(tmp_path: Path) -> None:
    phrase = "Write your answer as a single self contained function in Python and do not print anything at all please."
    rows = [{"prompt": f"{phrase} Task {n}: count to {n} with {'very ' * n} little steps."} for n in range(6)]
    screener = screen(tmp_path, *rows)
    assert verdict(screener, phrase) is None
    assert verdict(screener, rows[5]["prompt"]) is not None


def test_short_texts_are_found_whole_and_very_short_ones_do_not_count(tmp_path: Path) -> None:
    screener = screen(tmp_path, {"text": "Count the vowels in a string."}, {"code": "return a + b"})
    assert verdict(screener, "count the vowels, in a STRING") == (
        "contaminated: the whole of 'text' of benchmark.jsonl:1"
    )
    assert verdict(screener, "Count the vowels in a string of letters.") is None
    assert verdict(screener, "", "return a + b") is None


def test_a_benchmark_may_be_an_object_of_rows_by_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    path.write_text(json.dumps({"A/1": TASK, "A/2": {"prompt": "other"}}))
    found = verdict(Screen(ScreeningOptions(decontaminate=(str(path),))), TASK["prompt"])
    assert found is not None
    assert "benchmark.json:A/1" in found


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=60)


@given(task=WORDS, row=WORDS, index=st.integers(0, 60))
def test_a_whole_text_is_found_and_a_text_without_a_shared_ngram_is_not(
    task: list[str], row: list[str], index: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "words"
    folder.mkdir(exist_ok=True)
    task = [*task, *(f"end{n}" for n in range(5))]  # so that there is enough of it
    screener = screen(folder, {"prompt": " ".join(task)}, ngram=5)
    assert verdict(screener, " ".join(row[:index] + task + row[index:])) is not None
    runs = {tuple(task[n : n + 5]) for n in range(len(task) - 4)}
    if not any(tuple(row[n : n + 5]) in runs for n in range(len(row))):
        assert verdict(screener, " ".join(row)) is None


def test_words_are_those_of_any_alphabet() -> None:
    assert words_of("Größe = naïve_count(x2)  # 例え") == ["größe", "naïve_count", "x2", "例え"]


def test_the_digest_of_benchmarks_covers_what_is_compared(tmp_path: Path) -> None:
    def digest(row: dict[str, Any]) -> str:
        return benchmarks_digest(screen(tmp_path, row).options)

    before = digest(TASK)
    assert digest({**TASK, "test": "another"}) == before
    assert digest({**TASK, "prompt": TASK["prompt"] + " Now."}) != before


# Licenses


@pytest.mark.parametrize(
    ("license", "wanted"),
    [
        ("MIT", True),
        ("mit license", True),
        ("The MIT License", True),
        ("Apache-2.0", True),
        ("Apache License, Version 2.0", True),
        ("apache_2", True),
        ("GPL-3.0", False),
        ("Apache-1.1", False),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0", False),
        ("MIT OR GPL-3.0", True),
        ("GPL-2.0 OR GPL-3.0", False),
        ("(MIT OR GPL-3.0) AND Apache-2.0", False),
        ("(MIT AND Apache-2.0)", True),
        (["MIT", "Apache-2.0"], True),
        (["MIT", "GPL-3.0"], False),
        ("", False),
        (None, False),
        ([], False),
    ],
)
def test_rows_under_accepted_licenses_are_kept(license: Any, wanted: bool) -> None:
    screener = Screen(ScreeningOptions(license=("MIT", "Apache-2.0")))
    found = verdict(screener, "", row={"license": license, "x": 1})
    assert (found is None) == wanted
    assert wanted or (found or "").startswith("license: ")


def test_the_license_is_found_by_its_usual_names_or_in_the_named_column() -> None:
    assert licenses_of({"License": "MIT"}, None) == ["MIT"]
    assert licenses_of({"max_stars_repo_licenses": ["MIT", "BSD-3-Clause"]}, None) == ["MIT", "BSD-3-Clause"]
    assert licenses_of({"license": "MIT", "terms": "CC0"}, "terms") == ["CC0"]
    assert licenses_of({"license": None, "licence": "MIT"}, None) == ["MIT"]
    assert licenses_of({"terms": "CC0"}, None) == []


# Settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"duplicates": "some"}, "unknown treatment of duplicates 'some'; use one of keep, exact, near"),
        ({"similarity": 0.1}, "must be between 0.3 and 1"),
        ({"ngram": 1}, "ngram is 1, but must be at least 2"),
        ({"license": ("the license",)}, "is not a name"),
        ({"decontaminate": ("nowhere.jsonl",)}, "cannot read nowhere.jsonl"),
        ({"decontaminate": ("-",)}, "standard input"),
    ],
)
def test_impossible_settings_are_rejected(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_screening(ScreeningOptions(**options))


def test_a_benchmark_without_text_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no texts to compare with"):
        screen(tmp_path, {"n": 1})


# Whole builds


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "in.jsonl"
    rows = [
        {"id": 1, "instruction": "Add.", "program": "def add(a, b):\n    return a + b\n", "license": "mit"},
        {"id": 2, "instruction": TASK["prompt"], "program": "way = 1\n", "license": "mit"},
        {"id": 3, "instruction": "Say.", "program": "print('hello')\n", "license": "GPL-3.0"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "benchmark.jsonl").write_text(json.dumps(TASK) + "\n")
    return str(path)


def test_a_build_rejects_rows_and_records_have_their_license(rows: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    benchmark = str(tmp_path / "benchmark.jsonl")
    arguments = ["--decontaminate", benchmark, "--license", "MIT", "--output", str(output), "--quiet"]
    assert main(["build", rows, *arguments]) == 0
    (record,) = [json.loads(line) for line in output.read_text().splitlines()]
    assert (record["id"], record["license"]) == (1, "mit")
    rejections = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()]
    assert [(rejection["id"], rejection["reason"]) for rejection in rejections] == [
        (2, "contaminated"),
        (3, "license"),
    ]
    assert "'prompt' of benchmark.jsonl:1" in rejections[0]["detail"]


def test_a_build_is_not_resumed_with_another_benchmark(
    rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = tmp_path / "benchmark.jsonl"
    options = BuildOptions(screening=ScreeningOptions(decontaminate=(str(benchmark),)))
    build([rows], tmp_path / "out.jsonl", options=options, workers=1)
    benchmark.write_text(json.dumps({**TASK, "prompt": "Something else altogether, long enough."}) + "\n")
    screening._benchmarks.cache_clear()
    with pytest.raises(ConfigError, match="benchmarks was"):
        build([rows], tmp_path / "out.jsonl", options=options, workers=1, resume=True)


# Real data


def test_contaminated_real_pairs_are_found() -> None:
    pairs = DATA / "instruct" / "python_pairs.jsonl.gz"
    if not pairs.exists():
        pytest.skip(f"the pairs are not at {pairs}")
    mbpp, humaneval = DATA / "mbpp" / "mbpp.jsonl.gz", DATA / "humaneval" / "HumanEval.jsonl.gz"
    screener = Screen(ScreeningOptions(decontaminate=(str(mbpp), str(humaneval))))
    found, kept = Counter[str](), Counter[str]()
    with gzip.open(pairs, "rt") as file:
        for row in map(json.loads, file):
            bad = verdict(screener, row["instruction"], row["program"]) is not None
            (found if bad else kept)[row["source"]] += 1
    assert kept["mbpp_train_valid"] == 0, "its own rows"
    assert sum(found.values()) - found["mbpp_train_valid"] < 0.01 * sum(kept.values()), "hardly any others"
