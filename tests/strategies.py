"""Hypothesis strategies that several test modules draw from."""

from hypothesis import strategies as st

from lintseq.edits import INITIAL, STAYS, EditSequence
from lintseq.program import Program


@st.composite
def histories(draw: st.DrawFn, lines: st.SearchStrategy[str]) -> EditSequence:
    """A sequence in which lines arrive and depart at any time."""
    edits = draw(st.integers(0, 5))
    times = st.tuples(st.integers(INITIAL, edits - 1), st.integers(0, edits)).filter(lambda pair: pair[0] < pair[1])
    drawn = draw(st.lists(times, max_size=14)) if edits else []
    used = sorted({number for pair in drawn for number in pair} - {INITIAL, edits})
    rank = {number: index for index, number in enumerate(used)} | {INITIAL: INITIAL, edits: STAYS}
    pairs = [(rank[arrival], rank[departure]) for arrival, departure in drawn]
    stays = any(departure == STAYS for _, departure in pairs)
    merged = Program(tuple(draw(lines) for _ in pairs), stays and draw(st.booleans()))
    starts = any(arrival == INITIAL for arrival, _ in pairs)
    arrivals, departures = (tuple(times) for times in zip(*pairs, strict=True)) if pairs else ((), ())
    return EditSequence(merged, arrivals, departures, starts and draw(st.booleans()))
