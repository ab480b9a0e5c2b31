"""Finds lines in a state: where they occur, exactly or nearly, and which lines of one text are lines of another.

Knows no format: everything here is about lists of lines.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

_WORD = re.compile(r"\w")
SMALL = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2))
"""Lines above a change and below it."""

# Exact occurrences


def occurrences(lines: Sequence[str], run: Sequence[str], *, most: int | None = None) -> list[int]:
    """Return the indices at which `run` occurs in `lines`, the first `most` of them; none for an empty run."""
    if not run:
        return []
    offset, fewest = 0, len(lines) + 1
    for number, line in enumerate(run[:8]):  # a rare line leaves few candidates
        count = lines.count(line)
        if count < fewest:
            offset, fewest = number, count
        if count <= 1:
            break
    found = []
    at = -1
    size, run = len(run), list(run)
    for _ in range(fewest):
        at = lines.index(run[offset], at + 1)
        if at >= offset and list(lines[at - offset : at - offset + size]) == run:
            found.append(at - offset)
            if len(found) == most:
                break
    return found


def find_quote(
    quote: Sequence[str], state: Sequence[str], lineno: int, *, cursor: int = 0, unique: bool = True
) -> int:
    """Return the index, from `cursor` on, at which the lines that an edit quotes occur in `state`.

    Raises `EditFault` for line `lineno` if there is none, or if they must be `unique` and there are several.
    """
    if not quote and not state:
        return 0
    if not quote:
        raise EditFault(lineno, "no-anchor", f"quotes no line of the {len(state)} that the state has")
    found = occurrences(state[cursor:], quote)
    if not found:
        where = f" after line {cursor}" if cursor else ""
        detail = f"{len(quote)} lines, the first {shorten(quote[0])}, are not in the state{where}"
        raise EditFault(lineno, "not-found", detail)
    if unique and len(found) > 1:
        raise EditFault(lineno, "ambiguous", f"the lines quoted occur {len(found)} times")
    return cursor + found[0]


def has_words(lines: Sequence[str]) -> bool:
    """Tell whether any line has more than blanks, brackets and other signs."""
    return any(map(_WORD.search, lines))


def smallest_window(lines: Sequence[str], first: int, last: int) -> tuple[int, int]:
    """Return the ends of the smallest window that has words and occurs nowhere else in `lines`.

    It holds the lines from `first` to `last`; lines above them are preferred. Beyond a few lines, it is a
    `unique_window`.
    """
    for above, below in SMALL[first == last :]:
        low, high = first - above, last + below
        if low < 0 or high > len(lines) or not has_words(run := lines[low:high]):
            continue
        if len(occurrences(lines, run, most=2)) == 1:
            return low, high
    return unique_window(lines, first, last, context=2)


def unique_window(lines: Sequence[str], first: int, last: int, *, context: int) -> tuple[int, int]:
    """Return the ends of a window on the lines from `first` to `last` that has words and is found nowhere else.

    It has `context` lines on both sides, as far as there are as many, and half as many more again until it is unique
    and has words.
    """
    size = len(lines)
    elsewhere: list[int] | None = None
    while True:
        low, high = max(first - context, 0), min(last + context, size)
        if high - low == size:
            return low, high
        run = lines[low:high]
        if elsewhere is None:
            elsewhere = [at - low for at in occurrences(lines, run) if at != low]
        else:
            inside = [by for by in elsewhere if low + by >= 0 and high + by <= size]
            elsewhere = [by for by in inside if lines[low + by : high + by] == run]
        if not elsewhere and has_words(run):
            return low, high
        context += max(context // 2, 1)


# Lines of one text in another


def common_prefix(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many lines two texts have in common at their beginnings."""
    size = min(len(first), len(second))
    return next((index for index in range(size) if first[index] != second[index]), size)


def align(before: Sequence[str], after: Sequence[str]) -> list[int | None]:
    """Return for each line of `before` where it is in `after`, in growing order; None for a removed line.

    If all lines can be there, all are.
    """
    head = common_prefix(before, after)
    tail = common_prefix(before[head:][::-1], after[head:][::-1])
    middle = _middle(before[head : len(before) - tail], after[head : len(after) - tail])
    found = [None if at is None else at + head for at in middle]
    return [*range(head), *found, *range(len(after) - tail, len(after))]


_CANDIDATES = 8
"""How many positions of a line are compared, and how many of the lines that follow there."""


def _middle(before: Sequence[str], after: Sequence[str]) -> list[int | None]:
    where: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(after):
        where[line].append(index)
    latest = _latest(before, after)
    found: list[int | None] = []
    cursor = 0
    for number, line in enumerate(before):
        indices = where.get(line, [])
        start = bisect_left(indices, cursor)
        choice = indices[start : start + _CANDIDATES]
        if latest is not None:
            choice = [at for at in choice if at <= latest[number]]
        if not choice:
            found.append(None)
            continue
        at = choice[0] if choice[0] == cursor else _likeliest(choice, before[number : number + _CANDIDATES], after)
        found.append(at)
        cursor = at + 1
    return found


def _likeliest(choice: Sequence[int], run: Sequence[str], after: Sequence[str]) -> int:
    """Return the first of the positions at which most of `run` follows."""
    return max(choice, key=lambda at: common_prefix(run, after[at : at + _CANDIDATES]))


def _latest(before: Sequence[str], after: Sequence[str]) -> list[int] | None:
    """Return for each line the last position that leaves space for those behind it; None if not all fit."""
    latest = []
    at = len(after)
    for line in reversed(before):
        at -= 1
        while at >= 0 and after[at] != line:
            at -= 1
        if at < 0:
            return None
        latest.append(at)
    return latest[::-1]


def difference(before: Sequence[str], after: Sequence[str]) -> Edit:
    """Return an edit that makes `after` of `before`; it only inserts if that is possible.

    Raises `EditFault` if they are equal.
    """
    if len(after) == len(before) and list(before) == list(after):
        raise EditFault(1, "no-change", "nothing is changed")
    found = align(before, after) if len(after) > len(before) else [None]
    hunks, done = [], 0
    for position, at in enumerate([*found, len(after)]):
        if at is None:
            return _line_diff(before, after)
        if at > done:
            hunks.append(Hunk(position, tuple(after[done:at])))
        done = at + 1
    return Edit(tuple(hunks))


def _line_diff(before: Sequence[str], after: Sequence[str]) -> Edit:
    head = common_prefix(before, after)
    tail = common_prefix(before[head:][::-1], after[head:][::-1])
    matcher = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail])
    return Edit(
        tuple(
            Hunk(head + old, tuple(after[head + new : head + new_end]), old_end - old)
            for tag, old, old_end, new, new_end in matcher.get_opcodes()
            if tag != "equal"
        )
    )


def trimmed(hunk: Hunk, state: Sequence[str]) -> Hunk | None:
    """Return the hunk without lines that it replaces by equal ones at its ends; None if it changes nothing."""
    if not hunk.removed or not hunk.lines:
        return hunk if hunk.removed or hunk.lines else None
    old, new = state[hunk.position : hunk.end], hunk.lines
    head = common_prefix(old, new)
    tail = common_prefix(old[head:][::-1], new[head:][::-1])
    changed = Hunk(hunk.position + head, tuple(new[head : len(new) - tail]), len(old) - head - tail)
    return changed if changed.removed or changed.lines else None


def settled(edit: Edit, state: Sequence[str], *, insertions: bool = True) -> list[Hunk]:
    """Return hunks that make the same of `state`, trimmed, and as far down as they can be if they only delete.

    With `insertions`, so are those that only insert. Text without signs does not tell which of several equal lines
    are new or gone, so there is one answer for all.
    """
    found: list[Hunk] = []
    for hunk in reversed(edit.hunks):
        moved = trimmed(hunk, state)
        while moved is not None:
            end = found[-1].position if found else len(state)
            if not moved.lines or (insertions and not moved.removed):
                moved = _slid(moved, state, end)
            if moved.end < end or not found:
                found.append(moved)
                break
            below = found.pop()
            moved = trimmed(Hunk(moved.position, moved.lines + below.lines, moved.removed + below.removed), state)
    return found[::-1]


def _slid(hunk: Hunk, state: Sequence[str], end: int) -> Hunk:
    """Return a hunk that only inserts or only deletes, as far down as it can be before index `end`."""
    lines = [*state[hunk.position : hunk.end], *hunk.lines]
    if hunk.end == end or state[hunk.end] != lines[0]:
        return hunk
    below = state[hunk.end : end]
    lines += below
    by = common_prefix(lines, below)
    return Hunk(hunk.position + by, tuple(lines[by : by + len(hunk.lines)]), hunk.removed)


def completed(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return `after`, whose end is missing, with the lines of `before` that it had not reached."""
    reached = 0
    for line in after:
        reached += reached < len(before) and line == before[reached]
    rest = before[reached:]
    begun = bool(after and after[-1] and rest) and rest[0].startswith(after[-1])
    return [*(after[:-1] if begun else after), *rest]


# Inexact occurrences


@dataclass(frozen=True, slots=True)
class Match:
    """Where lines were found, and which differences were ignored to find them."""

    start: int
    ignoring: str = ""
    """A short machine-readable word; empty if the lines occur there as they are."""
    others: int = 0
    """How many other positions match as well."""


_KEYS: dict[str, Callable[[str], str]] = {"trailing-space": str.rstrip, "indentation": str.strip}


def find(lines: Sequence[str], run: Sequence[str], cursor: int, at: int | None = None) -> Match | None:
    """Return where `run` occurs, exactly or nearly; of several positions the first one from `cursor` on.

    With an expected position `at`, it is the nearest one, and the only one if it is exact. In turn, it looks for the
    lines themselves, without space at their ends, without indentation, and for the one position where two thirds of
    the lines, two at least, occur at the distances that they have in `run`.
    """
    for ignoring, found in _searches(lines, run):
        if found and at is not None:
            start = min(found, key=lambda start: abs(start - at))
            return Match(start, ignoring, 0 if start == at else len(found) - 1)
        if found:
            start = next((start for start in found if start >= cursor), found[0])
            return Match(start, ignoring, len(found) - 1)
    near = _near(lines, run)
    return None if near is None else Match(near, "near")


def _searches(lines: Sequence[str], run: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    yield "", occurrences(lines, run)
    for ignoring, key in _KEYS.items():
        if any(map(str.strip, run)):
            yield ignoring, occurrences([key(line) for line in lines], [key(line) for line in run])


def _near(lines: Sequence[str], run: Sequence[str]) -> int | None:
    """Return where most lines of `run` occur at their distances, if there is one such position."""
    where: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if len(where[line.strip()]) <= _CANDIDATES:
            where[line.strip()].append(index)
    wanted = [(number, line.strip()) for number, line in enumerate(run) if line.strip()]
    votes = Counter(
        at - number for number, line in wanted if len(where[line]) <= _CANDIDATES for at in where[line] if at >= number
    )
    best = votes.most_common(2)
    if not best or best[0][1] < max(2, len(wanted) * 2 / 3) or (len(best) == 2 and best[0][1] == best[1][1]):
        return None
    return best[0][0] if best[0][0] + len(run) <= len(lines) else None
