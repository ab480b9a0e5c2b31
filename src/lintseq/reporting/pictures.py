"""Plots as PNG, drawn by matplotlib, which is an extra: the same that `lintseq.reporting.plots` draws on pages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lintseq.evaluation.report import Section, Table
from lintseq.reporting.plots import HEIGHT, Plot, Series, is_hollow, percent_tick, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#2d4fb8", "#b4541a", "#1c6534", "#8b3a9c", "#7d5200", "#126060", "#a3254b", "#555049")
"""Those of the page in light."""
MARKERS = ("o", "s", "D", "^")
_WITHIN = 5
"""So many runs are named among the lines; more would cover them."""
GRAY, LINE, INK = "#8d877b", "#dfdbd1", "#24221e"
STYLE: Any = {
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
}


def available() -> bool:
    """Tell whether matplotlib is there."""
    try:
        import matplotlib  # noqa: F401  an extra
    except ImportError:
        return False
    return True


def draw_sections(sections: Sequence[Section], folder: Path) -> dict[tuple[int, str], str]:
    """Draw the plots of sections as PNG; return the file of each, by section and name."""
    drawn = {}
    for number, section in enumerate(sections):
        end = f"-{number + 1}" if len(sections) > 1 else ""
        for plot in section.plots:
            drawn[number, plot.name] = f"{plot.name}{end}.png"
            draw(plot, folder / drawn[number, plot.name])
        if (verdicts := section.table("verdict")) is not None:
            drawn[number, "verdict"] = f"verdicts{end}.png"
            draw_shares(verdicts, folder / drawn[number, "verdict"])
    return drawn


def draw(plot: Plot, path: Path) -> None:
    """Write a plot to a PNG file."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # an extra

    published = [one for one in plot.series if one.published]
    runs = [one for one in plot.series if not one.published]
    beside = len(runs) > _WITHIN and not published
    with rc_context(STYLE):
        figure = Figure(figsize=(8.8 if published or beside else 7.0, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        low, high = plot.x_range
        axes.set_xlim(10**low, 10**high)
        axes.set_ylim(*plot.y_range)
        axes.set_xticks([x for x, _ in plot.ticks], [_plain(label) for _, label in plot.ticks])
        axes.set_xticks([], minor=True)
        axes.set_yticks(plot.y_ticks, [percent_tick(y) for y in plot.y_ticks])
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel(plot.x_label)
        axes.set_title(plot.title, loc="left", fontweight="bold", fontsize=11)
        for series in published:
            axes.plot(
                [point.x for point in series.points],
                [point.y for point in series.points],
                color=GRAY,
                linewidth=0.9,
                linestyle=(0, (4, 3)) if series.dashed else "solid",
            )
        for dashed, name in ((False, "published, digitized"), (True, "the same, without edits")):
            if any(one.dashed == dashed for one in published):
                axes.plot([], [], color=GRAY, linewidth=0.9, linestyle=(0, (4, 3)) if dashed else "solid", label=name)
        _names(axes, plot, published)
        for number, series in enumerate(runs):
            _draw_run(axes, series, number)
        if beside:
            figure.legend(frameon=False, loc="outside right upper")
        else:
            axes.legend(frameon=False, loc="best")
        figure.savefig(path, dpi=144, metadata={"Software": None})


def _plain(text: str) -> str:
    """Return text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")


def _draw_run(axes: "Axes", series: Series, number: int) -> None:
    color = COLORS[number % len(COLORS)]
    style = (0, (5, 3)) if is_hollow(number) else "solid"
    xs, ys = [point.x for point in series.points], [point.y for point in series.points]
    if series.band:
        at, lows, highs = zip(*series.band, strict=True)
        axes.fill_between(at, lows, highs, color=color, alpha=0.15, linewidth=0)
    if series.line:
        axes.plot(
            [x for x, _ in series.line], [y for _, y in series.line], color=color, linewidth=1.6, linestyle=style
        )
    if series.joined:
        errors: Any = [
            [point.y - (point.y if point.low is None else point.low) for point in series.points],
            [(point.y if point.high is None else point.high) - point.y for point in series.points],
        ]
        axes.errorbar(xs, ys, yerr=errors, color=color, linestyle=style, linewidth=1.6, elinewidth=1, capsize=3)
    marker = MARKERS[number % len(MARKERS)]
    axes.plot(
        xs,
        ys,
        linestyle="none",
        marker=marker,
        color=color,
        markerfacecolor="white" if is_hollow(number) else color,
        markersize=6,
        label=_plain(series.name),
        clip_on=False,
        zorder=3,
    )


def _names(axes: "Axes", plot: Plot, published: Sequence[Series]) -> None:
    low, high = plot.y_range
    ends = sorted(((one.points[-1].y, one) for one in published), key=lambda end: end[0])
    heights = spread([y for y, _ in ends], (high - low) * 14 / HEIGHT, low, high)
    right = 10 ** plot.x_range[1]
    for (y, series), height in zip(ends, heights, strict=True):
        axes.plot([series.points[-1].x, right], [y, height], color=LINE, linewidth=0.8, zorder=1, clip_on=False)
        axes.annotate(
            series.name,
            (right, height),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color="#635e55",
            annotation_clip=False,
        )


def draw_shares(table: Table, path: Path) -> None:
    """Write the shares in a table to a PNG file: a bar for each run, and in it a piece for each row."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # an extra

    names = table.heads[1:]
    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 1.3 + 0.42 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        lefts = [0.0] * len(names)
        for number, (head, *cells) in enumerate(table.rows):
            widths = [cell.share or 0.0 for cell in cells]
            color = SHARES.get(head.text, COLORS[number % len(COLORS)])
            axes.barh(range(len(names)), widths, left=lefts, height=0.62, color=color, label=_plain(head.text))
            lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
        axes.set_yticks(range(len(names)), [_plain(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_title(table.title, loc="left", fontweight="bold", fontsize=11)
        figure.legend(loc="outside lower left", ncols=5, frameon=False, fontsize=9)
        figure.savefig(path, dpi=144, metadata={"Software": None})


SHARES = {"passed": "#4b9460", "failed": "#d9a441", "error": "#b4541a", "timeout": "#8b3a9c", "memory": "#2d4fb8"}
"""Colors of verdicts, as on the page."""


def draw_losses(rows: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Write the losses in the log of a training run to a PNG file, against the tokens fed."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # an extra

    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 4.0), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(
            [row["tokens"] for row in rows],
            [row["loss"] for row in rows],
            color=COLORS[0],
            linewidth=1.2,
            label="training",
        )
        held_out = [row for row in rows if "validation_loss" in row]
        if held_out:
            axes.plot(
                [row["tokens"] for row in held_out],
                [row["validation_loss"] for row in held_out],
                color=COLORS[1],
                linewidth=1.6,
                marker=MARKERS[0],
                markersize=4,
                label="validation",
            )
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlim(left=0)
        axes.set_xlabel("tokens")
        axes.set_ylabel("nats a token")
        axes.set_title(_plain(title), loc="left", fontweight="bold", fontsize=11)
        axes.legend(frameon=False, loc="upper right")
        figure.savefig(path, dpi=144, metadata={"Software": None})
