"""Published results, for comparison with runs: those of the LintSeq paper (arXiv 2410.02749).

Most were read off its plots, accurate to about half a percentage point; reports label them as digitized. The paper
gives no intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BASE, EDITS = "instruct", "LintSeq"


@dataclass(frozen=True, slots=True)
class PublishedCurve:
    """pass@k of one model in the paper."""

    model: str
    arm: str
    passed: Mapping[int, float]
    """pass@k by k, from 0 to 1."""
    flops_at_1: float | None = None
    """Operations to sample one completion of each problem."""

    @property
    def name(self) -> str:
        return f"{self.model} {self.arm}"


_KS = (1, 5, 10, 20, 50)
_CONTEST_KS = (1, 5, 10, 20, 50, 100)


def _pair(
    model: str, base: str, edits: str, ks: tuple[int, ...] = _KS, flops: tuple[float | None, ...] = (None, None)
) -> tuple[PublishedCurve, ...]:
    """Return the two curves of a model, finetuned on whole programs and on edits, from scores in percent."""
    scores = ([float(part) / 100 for part in text.split()] for text in (base, edits))
    return tuple(
        PublishedCurve(model, arm, dict(zip(ks, values, strict=True)), cost)
        for arm, values, cost in zip((BASE, EDITS), scores, flops, strict=True)
    )


_HUMANEVAL = (
    *_pair("Gemma 2 2.6B", "15.3 22.0 25.2 31.6 41.6", "22.0 34.8 41.3 48.1 55.4", flops=(1.7e15, 2.2e15)),
    *_pair("Phi-3 3.8B", "35.2 49.5 55.1 59.2 62.4", "38.4 63.2 72.4 79.9 87.4", flops=(3.5e15, 3.9e15)),
    *_pair("Llama 3.1 8B", "38.4 51.3 56.3 60.3 64.2", "38.5 62.1 72.6 75.8 82.7", flops=(5.4e15, 6.6e15)),
    *_pair("Phi-3 14B", "50.1 68.3 73.5 77.3 81.3", "49.2 74.9 81.6 86.0 89.6", flops=(1.3e16, 1.6e16)),
    *_pair("TinyCodeLM 150M", "9.1 13.2", "12.8 20.6", (1, 10)),
    *_pair("TinyCodeLM 400M", "9.6 18.5", "13.4 20.9", (1, 10)),
)
_MBPP_PLUS = (
    *_pair("Gemma 2 2.6B", "20.5 30.7 34.2 37.7 41.7", "28.2 40.0 44.5 48.6 52.9"),
    *_pair("Phi-3 3.8B", "31.9 42.5 46.2 49.8 53.7", "37.2 51.4 56.1 60.2 66.0"),
    *_pair("Llama 3.1 8B", "37.4 50.2 53.6 56.6 60.0", "40.3 56.2 61.0 65.4 69.4"),
    *_pair("Phi-3 14B", "37.9 50.4 54.0 57.1 60.2", "39.1 55.7 61.0 65.4 71.2"),
    *_pair("TinyCodeLM 150M", "11.5 16.4", "13.6 24.4", (1, 10)),
    *_pair("TinyCodeLM 400M", "15.5 22.2", "19.4 29.9", (1, 10)),
)
_CODECONTESTS = (
    *_pair("Gemma 2 2.6B", "0.0 0.2 0.3 0.6 1.3 2.2", "0.6 1.7 2.4 3.4 5.2 6.8", _CONTEST_KS),
    *_pair("Phi-3 3.8B", "2.1 5.7 7.5 9.8 13.5 16.5", "3.0 8.5 11.4 14.3 18.6 21.5", _CONTEST_KS),
    *_pair("Llama 3.1 8B", "2.4 4.5 5.5 7.1 9.5 11.6", "3.0 7.5 10.0 13.3 17.9 21.8", _CONTEST_KS),
    *_pair("Phi-3 14B", "8.4 11.2 14.0 17.1 19.2", "7.9 11.0 14.3 19.1 23.1", _CONTEST_KS[1:]),
)

PUBLISHED: Mapping[str, tuple[PublishedCurve, ...]] = {
    "humaneval": _HUMANEVAL,
    "humanevalpack": _HUMANEVAL,
    "mbpp+": _MBPP_PLUS,
    "codecontests": _CODECONTESTS,
}
"""By the name of the benchmark."""
