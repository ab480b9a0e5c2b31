"""Cliffs: does the time for a program grow with its length, whatever the program consists of?

The families of programs are those of `tests/cases/growing.toml`, in each of which something occurs N times. The
benchmark measures the analysis, one walk, and the edit texts of one format. The exponent is the power of N with which
the time grows from a quarter of the largest N to the largest. Times are of the processor, the best of several;
families that Python's own parser refuses at this size are only listed.
"""

import gc
import time
import tomllib
from collections.abc import Callable
from functools import partial
from math import log
from typing import TypeVar

from common import ROOT, Goal, Report, Table, arguments, note

from lintseq.codecs import get_codec
from lintseq.errors import ProgramError
from lintseq.walks import ProgramSampler

FAMILIES = ROOT / "tests" / "cases" / "growing.toml"
T = TypeVar("T")

STEPS = ("analysis", "walk", "texts")
TOO_SHORT = 0.1
"""Seconds below which an exponent says nothing."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--size", type=int, default=4000, help="the largest N (default: 4000)")
    parser.add_argument("--repeat", type=int, default=3, help="the best of how many times (default: 3)")
    parser.add_argument("--format", default="diff", help="the format of the edit texts (default: diff)")
    parser.add_argument("--only", default="", help="only families with this in their names")
    options = parser.parse_args()
    families: dict[str, list[str]] = tomllib.loads(FAMILIES.read_text("utf-8"))
    measured: dict[str, list[list[float]]] = {}
    refused = []
    for name, parts in families.items():
        if options.only in name:
            try:
                sizes = (options.size // 4, options.size)
                measured[name] = [best(parts, size, options.repeat, options.format, options.seed) for size in sizes]
                note(f"{name}: {measured[name][1][0]:.2f} s")
            except ProgramError as error:
                refused.append(f"{name} ({error.detail})")
    report(options.size, measured, refused).publish(options.results)


def program(parts: list[str], size: int) -> str:
    """Return the program of a family in which something occurs `size` times."""
    text = ""
    for part in parts:
        numbers = range(1, size + 1) if "$i" in part else [size]
        text += "".join(
            part.replace("$i", str(number)).replace("$j", str(number - 1)).replace("$n", str(size))
            for number in numbers
        )
    return text


def best(parts: list[str], size: int, repeat: int, codec: str, seed: int) -> list[float]:
    """Return the seconds that each step takes."""
    text = program(parts, size)
    found = [float("inf")] * len(STEPS)
    for _ in range(repeat):
        sampler, analysis = timed(partial(ProgramSampler, text))
        sequence, walk = timed(partial(sampler.sample, seed=seed))
        _, texts = timed(partial(get_codec(codec).write, sequence))
        found = [min(pair) for pair in zip(found, (analysis, walk, texts), strict=True)]
    return found


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """Return what a function returns, and its processor time without garbage collection, as in a build."""
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        result = function()
        return result, time.process_time() - started
    finally:
        gc.enable()


def exponent(short: float, long: float) -> float:
    return log(long / short) / log(4)


def report(size: int, measured: dict[str, list[list[float]]], refused: list[str]) -> Report:
    rows = []
    exponents: dict[str, list[float]] = {step: [] for step in STEPS}
    for name, (short, long) in measured.items():
        row: list[object] = [name]
        for step, less, more in zip(STEPS, short, long, strict=True):
            if more >= TOO_SHORT:
                exponents[step].append(exponent(less, more))
            row += [f"{1000 * more:,.0f}", f"{exponent(less, more):.2f}" if more >= TOO_SHORT else ""]
        rows.append(row)
    found = Report("cliffs", f"Families of programs in which something occurs {size:,} times")
    for number, step in enumerate(STEPS):
        slowest = max(long[number] for _, long in measured.values())
        found.goals += [
            Goal(f"seconds of the slowest family: {step}", slowest, most=1),
            Goal(f"largest exponent: {step}", max(exponents[step], default=0), most=1.2),
        ]
    header = ["family"] + [text for step in STEPS for text in (f"{step}, ms", "exponent")]
    found.tables.append(Table(f"Processor time at N = {size:,}, and its exponent from {size // 4:,} on", header, rows))
    if refused:
        found.texts.append("Refused by Python's own parser at this size: " + "; ".join(refused) + ".")
    found.numbers = {
        "size": size,
        "families": len(measured),
        "seconds": {name: [round(value, 4) for value in long] for name, (_, long) in measured.items()},
    }
    return found


if __name__ == "__main__":
    main()
