"""Draw `versions.svg`: the walk between the two versions of a commit, for `docs/versions.md`.

    python docs/images/versions.py

On the left are the lines of both versions with their atoms of change, and arcs from each atom to what it needs; on the
right, which lines are there after each edit; below, what the needs are for.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from lintseq import EditSequence, sample_edits
from lintseq.languages import get_language
from lintseq.needs.reasons import Reason
from lintseq.program import Program
from lintseq.reporting.pages import escaped, template
from lintseq.walks.changes import Changes, times
from lintseq.walks.pairing import Version
from lintseq.walks.reasons import reasons_for

PICTURE = Path(__file__).with_suffix(".svg")
COMMITS = Path(__file__).parents[2] / "examples" / "commits.jsonl"
SEED = 5
ROW, ARCS, CODE, GRID, STEP, CHARACTER = 19, 62, 92, 440, 46, 7.22
"""The height of a line, the x of atoms, code and states, and the widths of a state and of a character."""
HEAD = 44
STYLE = """
text { font: 12px var(--sans); fill: var(--ink) }
.code { font: 12px var(--mono); white-space: pre }
.kept .code { fill: var(--soft) }
.gone .code { fill: var(--gone-ink); text-decoration: line-through }
.new .code { fill: var(--new-ink) }
.kept rect { fill: var(--line) }
.gone rect { fill: var(--gone); stroke: var(--gone-ink) }
.new rect { fill: var(--new-strong); stroke: var(--new-ink) }
.atom { fill: var(--need-ink); font-weight: 600; text-anchor: middle }
.bar, .arc { fill: none; stroke: var(--need-ink) }
.bar { stroke-width: 2 }
.arc { opacity: 0.65 }
.dot { fill: var(--need-ink) }
.head { text-anchor: middle }
.soft { fill: var(--soft); text-anchor: middle }
.paper { fill: var(--card) }
"""


def version(text: str) -> Version:
    program = Program.from_text(text)
    return Version(program, get_language().analyze(program))


def picture(old: str, new: str) -> str:
    """Return the picture of a commit as an SVG document."""
    changes = Changes.between(version(old), version(new))
    walk = sample_edits(new, start=old, seed=SEED)
    whole = EditSequence(changes.merged, *times(changes, [0] * changes.needs.units))
    found = reasons_for(whole, get_language())
    if walk.merged != changes.merged or found is None:
        raise SystemExit("the draw does not have the lines of the changes")
    needs = [reason for edit in found.edits for reason in edit]
    lines = changes.merged.lines
    first = {atom: line for line, atom in reversed([*enumerate(changes.atom_of)]) if atom is not None and lines[line]}
    parts = [*states(walk), *atoms(changes, first), *arcs(needs, changes, first)]
    below = HEAD + ROW * len(lines) + 30
    texts = sorted({*sentences(needs, changes)})
    rows = (len(texts) + 1) // 2
    for number, text in enumerate(texts):
        parts.append(
            f'<text x="{20 + 400 * (number // rows)}" y="{below + ROW * (number % rows)}">{escaped(text)}</text>'
        )
    width, height = GRID + STEP * (len(walk) + 1) + 16, below + ROW * rows
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-label="A walk between two versions of a program">'
        f"\n<style>\n{template('colors.css')}{STYLE}</style>\n"
        '<rect class="paper" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def states(walk: EditSequence) -> Iterator[str]:
    """Yield the lines of both versions, and a mark in the column of each state that has the line."""
    count = len(walk)
    departures = walk.departures or (count,) * len(walk.arrivals)
    for number in range(count + 1):
        x = GRID + STEP * number + STEP // 2
        name = "old" if not number else "new" if number == count else ""
        yield f'<text class="head" x="{x}" y="18">{number or "start"}</text>'
        yield f'<text class="soft" x="{x}" y="33">{name}</text>'
    yield f'<text class="head" x="{GRID - 34}" y="18">after edit</text>'
    for line, text in enumerate(walk.merged.lines):
        y = HEAD + ROW * line
        kind = "new" if walk.arrivals[line] >= 0 else "gone" if departures[line] < count else "kept"
        code = text.lstrip()
        x = CODE + CHARACTER * (len(text) - len(code))
        yield f'<g class="{kind}"><text class="code" x="{x:.0f}" y="{y + 14}">{escaped(code)}</text>'
        for number in range(count + 1):
            if walk.arrivals[line] < number <= departures[line]:
                x = GRID + STEP * number + 7
                yield f'<rect x="{x}" y="{y + 3}" width="{STEP - 14}" height="{ROW - 6}" rx="3"/>'
        yield "</g>"


def atoms(changes: Changes, first: dict[int, int]) -> Iterator[str]:
    """Yield a bar along the lines of each atom, and its letter at the first with text."""
    for line, atom in enumerate(changes.atom_of):
        y = HEAD + ROW * line
        if atom is not None:
            yield f'<path class="bar" d="M{ARCS + 20} {y + 2}V{y + ROW - 2}"/>'
            if first[atom] == line:
                yield f'<text class="atom" x="{ARCS + 8}" y="{y + 14}">{letter(atom)}</text>'


def arcs(needs: list[Reason], changes: Changes, first: dict[int, int]) -> Iterator[str]:
    """Yield an arc from each atom to what it needs, which gets a dot."""
    for one, other in sorted(
        {(changes.atom_of[need.line], changes.atom_of[line]) for need in needs for line in need.others}
    ):
        a, b = (HEAD + ROW * first[atom] + 10 for atom in (one, other))
        out = ARCS - 12 - 4.5 * abs(a - b) ** 0.5
        yield f'<path class="arc" d="M{ARCS - 2} {a}C{out:.0f} {a} {out:.0f} {b} {ARCS - 2} {b}"/>'
        yield f'<circle class="dot" cx="{ARCS - 2}" cy="{b}" r="2.5"/>'


def sentences(needs: list[Reason], changes: Changes) -> Iterator[str]:
    """Yield what each atom needs of others, and for what."""
    for need in needs:
        others = " or ".join(letter(changes.atom_of[line]) for line in need.others)
        yield f"{letter(changes.atom_of[need.line])} needs {need.purpose or 'a change'} in {others}"


def letter(atom: int | None) -> str:
    return "" if atom is None else chr(ord("A") + atom)


def picture_of_example() -> str:
    commit = json.loads(COMMITS.read_text(encoding="utf-8").split("\n")[0])
    return picture(commit["old_contents"], commit["new_contents"])


if __name__ == "__main__":
    PICTURE.write_text(picture_of_example(), encoding="utf-8")
