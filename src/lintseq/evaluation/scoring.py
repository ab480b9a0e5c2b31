"""pass@k and its confidence intervals.

Pure, without numpy. pass@k is the unbiased estimator of the Codex paper (Chen et al. 2021, arXiv 2107.03374,
section 2.1): with c of n completions correct, the probability that k of them, drawn without replacement, include a
correct one is 1 - C(n-c, k) / C(n, k). Intervals are about other problems, because a benchmark is a
sample of problems.
"""

from collections.abc import Mapping, Sequence
from math import comb

from lintseq.evaluation.intervals import Interval, estimate

Counts = Mapping[str, tuple[int, int]]
"""For each problem, the number of completions and the number of correct ones."""


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate of pass@k from `c` correct completions out of `n` (Chen et al. 2021, eq. 1).

    Raises `ValueError` unless 1 <= k <= n: the estimate is undefined elsewhere.
    """
    if not 0 <= c <= n:
        raise ValueError(f"{c} of {n} completions cannot be correct")
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} is not defined for {n} completions")
    return 1.0 - comb(n - c, k) / comb(n, k)


def scores(counts: Counts, ks: Sequence[int]) -> dict[int, Interval | None]:
    """Return pass@k over all problems for each k; None where some problem has fewer than k completions."""
    found = {k: problem_scores(counts, k) for k in ks}
    return {k: estimate([values]).score_interval() if values else None for k, values in found.items()}


def problem_scores(counts: Counts, k: int) -> dict[str, float]:
    """Return pass@k of each problem; empty if some problem has fewer than k completions."""
    if min((n for n, _ in counts.values()), default=0) < k:
        return {}
    return {problem: pass_at_k(n, c, k) for problem, (n, c) in counts.items()}


def difference(first: Counts, second: Counts, k: int) -> Interval | None:
    """Return how far pass@k of `first` is above that of `second` on their common problems.

    Each problem is compared with itself, so that how hard it is cancels out. None if pass@k is not defined for both.
    """
    both = first.keys() & second.keys()
    arms = [problem_scores({problem: counts[problem] for problem in both}, k) for counts in (first, second)]
    return estimate(arms[:1], arms[1:]).difference_interval() if all(arms) else None
