"""What is removed with each line: every file in `cases/needs` is a program that ends in lines like

    # 4: 5 8      deleting line 4 of the whole program removes lines 5 and 8

Lines count from 1; only lines whose deletion removes others are listed. `python tests/test_needs.py` prints the
lines as they are now for files that have none.
"""

from pathlib import Path

import pytest

from lintseq.languages import get_linter
from lintseq.languages.python.analysis import analyze
from lintseq.linting import findings, new_diagnostics
from lintseq.program import Program
from lintseq.walks import ProgramSampler

CASES = sorted((Path(__file__).parent / "cases" / "needs").glob("*.py"))


def split(text: str) -> tuple[str, list[str]]:
    lines = text.splitlines(keepends=True)
    end = len(lines)
    while end and lines[end - 1].startswith("# ") and ":" in lines[end - 1] and lines[end - 1][2].isdigit():
        end -= 1
    return "".join(lines[:end]), [line.rstrip() for line in lines[end:]]


def closures(source: str) -> list[str]:
    """Return a comment for each line whose deletion removes others."""
    program = Program.from_text(source)
    analysis = analyze(program)
    described = []
    seen = set[int]()
    for line, unit in enumerate(analysis.unit_of):
        if unit is None or unit in seen:
            continue
        seen.add(unit)
        closure = set(analysis.needs.start().remove(unit))
        others = [index + 1 for index, anchor in enumerate(analysis.anchor_of) if anchor in closure and index != line]
        if others:
            described.append(f"# {line + 1}: {' '.join(map(str, others))}")
    return described


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_deleting_a_line_removes_everything_that_needs_it(path: Path) -> None:
    source, expected = split(path.read_text())
    assert closures(source) == expected


@pytest.mark.parametrize("linter", ["pyflakes", "pylint"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_state_of_a_case_is_clean(path: Path, linter: str) -> None:
    source, _ = split(path.read_text())
    check = get_linter(linter).check
    whole, sampler = findings(check(source)), ProgramSampler(source)
    states = {state for seed in range(5) for state in sampler.sample(seed=seed).states()}
    assert {state: new for state in states if (new := new_diagnostics(whole, check(state)))} == {}


if __name__ == "__main__":
    for path in CASES:
        source, expected = split(path.read_text())
        if not expected:
            path.write_text("\n".join([source.rstrip("\n"), *closures(source), ""]))
