"""How often does a study claim a difference that is not there, and how large a difference does it see?

Studies are simulated: problems of different difficulty, arms that suit some problems better than others, trainings
that vary in quality, completions that pass by chance. Arms are equally good unless power is measured. Compared are the
intervals of studies, those of a percentile bootstrap over problems and seeds, which studies used before, and others.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import comb, hypot, sqrt
from pathlib import Path

import numpy as np
from common import ROOT, Goal, Report, Table, arguments, note

from lintseq.evaluation.intervals import estimate, holm, t_quantile
from lintseq.reporting.pages import write_page
from lintseq.reporting.plots import Plot, Point, Series, svg_document
from lintseq.study.power import smallest_difference

SEEDS, PROBLEMS, SPREADS = (1, 2, 3, 5), (40, 100, 200, 400), (1, 2, 3, 4, 6)
DIFFICULTY = 1.5
"""Standard deviation of the problems' difficulty, in log odds."""
SLOPE = 0.16
"""Change of the mean pass@1 with one unit of log odds."""
OWN, SAME_MODELS, SAME_BASES = "own models", "same models", "same bases"
BASES = 6
"""Standard deviation between bases, in points."""
CHOSEN, BEFORE = "sum of two variances (used)", "bootstrap (before)"
QUANTILES = np.array([np.inf, *(t_quantile(degrees) for degrees in range(1, 201))])


@dataclass(frozen=True)
class World:
    """What a simulated study looks like."""

    name: str
    completions: int = 10
    k: int = 1
    arm: float = 0.5
    """Standard deviation of what suits an arm about a problem, in log odds."""
    training: float = 0.5
    """The same of a single training."""


WORLDS = (
    World("usual"),
    World("pass@10", k=10),
    World("one completion", completions=1),
    World("arms suit the same problems", arm=0, training=0),
    World("arms suit different problems", arm=1, training=1),
)


def draw(
    rng, world: World, studies: int, shape: tuple[int, int, int], spread: float, *, kind: str = "own models", gain=0.0
):
    """Return pass@k by study, arm, seed and problem, and the shifts of the trainings; arm 0 is better by `gain`."""
    arms, seeds, problems = shape
    size = (studies, 1 if kind == SAME_MODELS else arms, seeds, 1)
    shifts = np.broadcast_to(rng.normal(0, spread / 100 / SLOPE, size), (studies, arms, seeds, 1))
    if kind == SAME_BASES:
        shifts = shifts + rng.normal(0, BASES / 100 / SLOPE, (studies, 1, seeds, 1))
    odds = rng.normal(0, DIFFICULTY, (studies, 1, 1, problems)) + shifts
    odds = odds + rng.normal(0, world.arm, (studies, arms, 1, problems))
    odds = odds + rng.normal(0, world.training, (studies, arms, seeds, problems))
    odds[:, 0] += gain
    correct = rng.binomial(world.completions, 1 / (1 + np.exp(-odds)))
    return passed(correct, world.completions, world.k), shifts[..., 0]


def passed(correct, n: int, k: int):
    return np.array([1 - comb(n - c, k) / comb(n, k) for c in range(n + 1)])[correct]


def truth(world: World, spread: float, shift):
    """Return the mean pass@1 over all problems, and all trainings with this spread, at a shift of the log odds."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    deviation = sqrt(DIFFICULTY**2 + world.arm**2 + world.training**2 + (spread / 100 / SLOPE) ** 2)
    values = 1 / (1 + np.exp(-(np.asarray(shift)[..., None] + nodes * deviation)))
    return values @ weights / weights.sum()


def gain_of(world: World, spread: float, difference: float) -> float:
    """Return the log odds by which pass@1 rises by a difference."""
    low, high = 0.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if truth(world, spread, middle) - truth(world, spread, 0) < difference else (low, middle)
        )
    return low


def cells() -> Iterator[tuple[World, str, int, int, int]]:
    """Yield what is simulated: all of the grid in the usual world, its corners and middle in the others."""
    for world in WORLDS:
        problems, spreads = (PROBLEMS, SPREADS) if world == WORLDS[0] else (PROBLEMS[::3], SPREADS[::2])
        yield from product([world], (OWN, SAME_MODELS), SEEDS, problems, spreads)
    yield from product(WORLDS[:1], [SAME_BASES], SEEDS, PROBLEMS, SPREADS)


# Methods


def methods(scores, *, paired: bool) -> Iterator[tuple[str, object, object]]:
    """Yield for each method that has degrees of freedom its name, the variances of the differences, and these."""
    _, _, seeds, problems = scores.shape
    own = (scores[:, 0] - scores[:, 1])[:, None] if paired else scores
    by_problem = (scores[:, 0] - scores[:, 1]).mean(1).var(1, ddof=1) / problems
    by_problem = np.where(by_problem > 1e-12, by_problem, 1 / problems / (problems - 1))
    if seeds == 1:
        yield CHOSEN, by_problem, np.full(len(scores), problems - 1.0)
        return
    each = own.mean(3).var(2, ddof=1) / seeds
    by_seed = each.sum(1)
    mean = own.mean((2, 3), keepdims=True)
    rest = own - own.mean(2, keepdims=True) - own.mean(3, keepdims=True) + mean
    chance = (rest**2).sum((1, 2, 3)) / ((seeds - 1) * (problems - 1)) / (seeds * problems)
    total = by_seed + by_problem

    def degrees(variance, pooled: bool):
        part = by_seed**2 / (seeds - 1) / own.shape[1] if pooled else (each**2).sum(1) / (seeds - 1)
        return variance**2 / np.maximum(part + by_problem**2 / (problems - 1), 1e-30)

    mixed = np.maximum(total - chance, np.maximum(by_problem, by_seed))
    harmonic = total / (by_seed / (seeds - 1) + by_problem / (problems - 1))
    yield CHOSEN, total, harmonic if paired else degrees(total, False)
    yield "the same, Satterthwaite throughout", total, degrees(total, False)
    yield "sum of two variances, pooled", total, degrees(total, True)
    yield "mixed model (ANOVA), Satterthwaite", mixed, degrees(mixed, False)
    yield "mixed model, degrees of the sum", mixed, degrees(total, False)
    yield "t over seeds only", total, np.full(len(scores), (seeds - 1.0) * own.shape[1])


def bootstrap(scores, rng, samples: int = 300):
    """Return the ends of the intervals of a percentile bootstrap over problems and, for each arm, seeds."""
    studies, arms, seeds, problems = scores.shape
    ends = np.empty((studies, 2))
    for study in range(studies):
        weights = rng.multinomial(problems, np.full(problems, 1 / problems), samples) / problems
        means = np.einsum("bp,asp->bas", weights, scores[study])
        drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), (samples, arms)) / seeds
        first, second = (means * drawn).sum(2).T
        ends[study] = np.quantile(first - second, [0.025, 0.975])
    return ends


def margins(variance, degrees):
    return QUANTILES[np.clip(degrees, 1, 200).astype(int)] * np.sqrt(variance) + 1e-12


def check(scores, *, paired: bool) -> None:
    """Check that the vectorized formula is that of studies."""
    _, variance, degrees = next(iter(methods(scores, paired=paired)))
    for study in range(3):
        arms = [[dict(enumerate(map(float, seed))) for seed in arm] for arm in scores[study]]
        found = estimate(arms[0], arms[1], paired=paired)
        assert np.allclose([found.variance, found.degrees], [variance[study], degrees[study]]), found


# Measurements


def false_claims(rng, studies: int) -> dict:
    """Return the share of intervals without the truth, and their half width, by method and cell."""
    found = {}
    for world, kind, seeds, problems, spread in cells():
        paired = kind != OWN
        scores, shifts = draw(rng, world, studies, (2, seeds, problems), spread, kind=kind)
        check(scores, paired=paired and seeds > 1)
        difference = scores[:, 0].mean((1, 2)) - scores[:, 1].mean((1, 2))
        true = 0.0
        if seeds == 1 and world.k == 1:  # about these models
            true = truth(world, 0, shifts[:, 0, 0]) - truth(world, 0, shifts[:, 1, 0])
        cell = (world.name, kind, seeds, problems, spread)
        for method, variance, degrees in methods(scores, paired=paired):
            margin = margins(variance, degrees)
            found[(method, *cell)] = (np.mean(np.abs(difference - true) > margin), np.mean(margin))
        if world == WORLDS[0] and kind != SAME_BASES:
            some = min(studies, 150)
            ends = bootstrap(scores[:some], rng)
            found[(BEFORE, *cell)] = (
                np.mean((ends > 0).all(1) | (ends < 0).all(1)),
                np.mean(np.ptp(ends, axis=1)) / 2,
            )
            if seeds > 1:
                degrees = (seeds - 1) * (1 if paired else 2)
                wider = np.ptp(ends, axis=1) / 2 / 1.96 * sqrt(seeds / (seeds - 1)) * t_quantile(degrees)
                found[("bootstrap with t correction", *cell)] = (
                    np.mean(np.abs(difference[:some]) > wider),
                    np.mean(wider),
                )
    return found


def several(rng, studies: int) -> list[list]:
    """Return how often a study of five equal arms with twelve comparisons makes at least one false claim."""
    rows = []
    for seeds, spread in product((2, 3, 5), (1, 3, 6)):
        counts = defaultdict(int)
        for _ in range(studies):
            by_k = draw_ks(rng, (5, seeds, 100), spread)
            tests = [estimate(arms[arm], arms[0]).p_value for arms in by_k for arm in range(1, 5)]
            counts["alone"] += min(tests) <= 0.05
            counts["holm"] += min(holm(tests)) <= 0.05
        rows.append([seeds, f"{spread} points", *(counts[name] / studies for name in ("alone", "holm"))])
    return rows


def draw_ks(rng, shape: tuple[int, int, int], spread: float) -> list:
    """Return for k = 1, 5 and 10 the scores of one study's arms."""
    world = replace(WORLDS[0], k=1)
    scores, _ = draw(rng, world, 1, shape, spread)
    correct = np.rint(scores[0] * world.completions).astype(int)
    found = (passed(correct, world.completions, k) for k in (1, 5, 10))
    return [[[dict(enumerate(seed)) for seed in arm] for arm in values.tolist()] for values in found]


def power(rng, studies: int) -> list[list]:
    """Return the smallest difference according to `lintseq study --power`, and how often it is claimed."""
    rows = []
    world = WORLDS[0]
    for kind, seeds, problems, spread in product((OWN, SAME_MODELS, SAME_BASES), (3, 5), PROBLEMS, SPREADS):
        if kind == SAME_MODELS and spread > 1:
            continue
        paired, varies = kind != OWN, 0.0 if kind == SAME_MODELS else spread / 100
        least = smallest_difference(seeds, problems, completions=10, spread=varies, paired=paired)
        gain = gain_of(world, hypot(spread, BASES) if kind == SAME_BASES else spread, least)
        scores, _ = draw(rng, world, studies, (2, seeds, problems), spread, kind=kind, gain=gain)
        difference = scores[:, 0].mean((1, 2)) - scores[:, 1].mean((1, 2))
        _, variance, degrees = next(iter(methods(scores, paired=paired)))
        margin = margins(variance, degrees)
        claimed, right = np.mean(difference > margin), np.mean(np.abs(difference - least) <= margin)
        rows.append([kind, seeds, problems, spread, least, claimed, right])
    return rows


# Tables


def figure(found: dict) -> Plot:
    """Return the share of false claims against the spread between trainings, before and now."""
    series = []
    for method, seeds in product((BEFORE, CHOSEN), (1, 3, 5)):
        if (method, seeds) == (CHOSEN, 1):
            continue
        shares = [
            np.mean([found[method, "usual", OWN, seeds, problems, spread][0] for problems in PROBLEMS])
            for spread in SPREADS
        ]
        name = f"{'before' if method == BEFORE else 'now'}, {seeds} seed{'s' if seeds > 1 else ''}"
        points = tuple(Point(x, 100 * float(y)) for x, y in zip(SPREADS, shares, strict=True))
        series.append(Series(name, points, dashed=method == BEFORE))
    return Plot(
        "claims",
        "False claims, in % of comparisons of equal arms",
        "standard deviation between trainings, in points of pass@1",
        tuple(series),
        tuple((x, str(x)) for x in range(7)),
        linear=True,
    )


def candidates(found: dict) -> Table:
    rows = []
    for method in dict.fromkeys(key[0] for key in found):
        cells = [key for key in found if key[0] == method and key[3] in (3, 5)]
        if not cells:
            continue
        usual = [key for key in cells if key[1] == "usual" and key[2] == OWN]
        wrong = [100 * found[key][0] for key in cells]
        widths = [np.mean([100 * found[key][1] for key in usual if key[3] == seeds]) for seeds in (3, 5)]
        rows.append([method, *(f"{value:.1f}" for value in (np.mean(wrong), max(wrong), *widths))])
    header = ["method", "false claims, mean %", "worst cell %", "half width, 3 seeds", "half width, 5 seeds"]
    return Table("Methods, 3 and 5 seeds, all worlds", header, rows)


def grid(found: dict) -> Table:
    rows = []
    for world, kind, seeds in product(WORLDS, (OWN, SAME_MODELS, SAME_BASES), SEEDS):
        if seeds == 1 and world.k > 1:
            continue
        wrong = [100 * share for key, (share, _) in found.items() if key[:4] == (CHOSEN, world.name, kind, seeds)]
        if not wrong:
            continue
        rows.append([world.name, kind, seeds, f"{np.mean(wrong):.1f}", f"{min(wrong):.1f} to {max(wrong):.1f}"])
    header = ["world", "arms", "seeds", "intervals without the truth, mean %", "over the grid %"]
    return Table("Intervals of studies, 40 to 400 problems, spread 1 to 6 points", header, rows)


def upper(share: float, count: int) -> float:
    return share + 1.645 * sqrt(share * (1 - share) / count)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies per cell (default: 2000)")
    parser.add_argument(
        "--figure", type=Path, default=ROOT / "docs" / "images" / "claims.svg", help="file of the plot"
    )
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    found = false_claims(rng, options.studies)
    note("power")
    powers = power(rng, options.studies)
    note("several comparisons")
    families = several(rng, max(options.studies // 4, 20))
    ours = [value[0] for (method, _, _, seeds, *_), value in found.items() if method == CHOSEN and seeds in (3, 5)]
    mean, worst = float(np.mean(ours)), float(max(ours))
    report = Report("claims", "How often a study is wrong, and what it sees")
    report.goals += [
        Goal("false claims, 3 and 5 seeds, mean over the grid, %", 100 * mean, most=5),
        Goal(
            "false claims, upper bound (95 %) in the worst cell, %", 100 * float(upper(worst, options.studies)), most=7
        ),
        Goal(
            "coverage of a difference that is there, worst cell, %",
            100 * float(min(row[6] for row in powers)),
            least=94,
        ),
    ]
    report.tables += [candidates(found), grid(found)]
    rows = [[seeds, spread, f"{100 * alone:.1f}", f"{100 * both:.1f}"] for seeds, spread, alone, both in families]
    header = ["seeds", "spread", "each at 5 %: %", "with Holm's correction: %"]
    report.tables.append(Table("Studies of 5 equal arms, 12 comparisons, with a false claim", header, rows))
    header = ["arms", "seeds", "problems", "spread", "smallest difference, points", "claimed %", "covered %"]
    rows = [
        [kind, seeds, problems, "any" if kind == SAME_MODELS else spread, f"{100 * least:.1f}"]
        + [f"{100 * value:.0f}" for value in values]
        for kind, seeds, problems, spread, least, *values in powers
    ]
    report.tables.append(Table("Differences that a study sees with 80 % probability", header, rows))
    report.numbers = {"studies per cell": options.studies}
    report.publish(options.results)
    if options.results is not None:
        write_page(options.figure, svg_document(figure(found)))


if __name__ == "__main__":
    sys.exit(main())
