"""Histograms as HTML tables with bars, readable by screen readers too."""

from collections.abc import Mapping

from lintseq.reporting.numbers import describe, described, histogram
from lintseq.reporting.pages import escaped


def chart(name: str, title: str, counts: Mapping[int, int], *, values: str, counted: str) -> str:
    """Return the histogram of `counts` (value -> how often) as a figure; an empty string without any counts.

    `values` and `counted` name the values and what was counted, for the heads of the table.
    """
    if not counts:
        return ""
    bins = histogram(counts)
    total, largest = sum(n for _, n in bins), max(n for _, n in bins)
    rows = "\n".join(_row(label, n, n / largest, n / total) for label, n in bins)
    heads = "".join(f'<th scope="col">{escaped(word)}</th>' for word in (values, "", counted, "share"))
    return (
        f'<figure class="chart" data-chart="{escaped(name)}">\n'
        f"<figcaption><h3>{escaped(title)}</h3><p>{escaped(described(describe(counts)))}</p></figcaption>\n"
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</figure>"
    )


def _row(label: str, number: int, length: float, share: float) -> str:
    low, _, high = label.partition("-")
    bar = f'<rect width="{100 * length:.2f}%" height="100%" rx="2"/>'
    return (
        f'<tr data-low="{low}" data-high="{high or low}"><th scope="row">{label.replace("-", "–")}</th>'
        f'<td class="bar"><svg aria-hidden="true" width="100%" height="10">{bar}</svg></td>'
        f"<td>{number:,}</td><td>{share:.1%}</td></tr>"
    )
