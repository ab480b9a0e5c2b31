"""Plots as values, and as SVG, in a page or in a file: points, lines, bands and intervals on axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10

from lintseq.reporting.pages import escaped, template

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 546, 14, 310
"""Edges of the area between the axes."""
LABELS = 140
"""Width of the margin at the right for the names of published curves."""
TITLE, LEGEND_LINE = 32, 18
"""Heights of the title and of a line of the legend."""
SHAPES = 4
COLORS = 8
"""Number of colors in the style sheet: s0, s1, ..."""
PUBLISHED = "gray: published, digitized; dashed: without edits"


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    """The ends of the interval of `y`."""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn in one color."""

    name: str
    points: tuple[Point, ...] = ()
    joined: bool = True
    """Whether a line leads from point to point."""
    line: tuple[tuple[float, float], ...] = ()
    """A separate line, such as a fitted one."""
    published: bool = False
    """Whether it is from the literature, and drawn in the background."""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Shares (0 to 1) over a logarithmic axis, or numbers over a linear one."""

    name: str
    """Of its file."""
    title: str
    x_label: str
    series: tuple[Series, ...]
    ticks: tuple[tuple[float, str], ...]
    """Positions and labels on the x axis."""
    note: str = ""
    linear: bool = False
    """Whether x and y are any numbers."""

    @property
    def x_range(self) -> tuple[float, float]:
        """The ends of the x axis, as exponents of ten unless it is linear."""
        if self.linear:
            return self.ticks[0][0], self.ticks[-1][0]
        xs = [point.x for series in self.series for point in series.points]
        low, high = log10(min(xs)), log10(max(xs))
        spare = max(0.04 * (high - low), 0.06)
        return low - spare, high + spare

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Positions and labels on the y axis, whose ends are the first and the last."""
        points = [point for series in self.series for point in series.points]
        values = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
        values += [y for series in self.series for _, y in series.line]
        return [(y, f"{y:,g}" if self.linear else f"{100 * y:g} %") for y in round_ticks(values)]


def power(number: float) -> str:
    """Return a number as a person writes it: 2.2·10¹⁵."""
    exponent = floor(log10(number)) if number > 0 else 0
    digits = f"{number / 10**exponent:.3g}"
    if digits == "10":
        digits, exponent = "1", exponent + 1
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if digits == "1" else f"{digits}·10{raised}"


def log_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Return ticks for an axis from `low` to `high`: powers of ten, and multiples of them where there are few."""
    start, end = log10(low), log10(high)
    decades = end - start
    factors: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 6, 8)
    if decades >= 0.5:
        factors = (1, 2, 5) if decades < 2 else (1,)
    spare = 0.04 * max(decades, 0.3)
    values = [factor * 10.0**exponent for exponent in range(floor(start), ceil(end) + 1) for factor in factors]
    found = [value for value in values if start - spare <= log10(value) <= end + spare]
    return tuple((value, power(value)) for value in found or [low])


def round_ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers, at least two, that span the values; not below 0 or above 1 if the values are not."""
    low, high = min(values), max(values)
    extent = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** floor(log10(extent / 5))
    step = next((factor * magnitude for factor in (1, 2, 5) if extent / (factor * magnitude) <= 6), 10 * magnitude)
    last = ceil(high / step) or 1
    first = min(floor(low / step), last - 1)
    return [round(number * step, 12) for number in range(first, last + 1)]


def line_plot(name: str, title: str, x_label: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Plot:
    """Return a plot with one line for each name, on linear axes; each line has at least one point."""
    ticks = round_ticks([x for points in lines.values() for x, _ in points])
    series = tuple(Series(name, line=tuple(points)) for name, points in lines.items())
    return Plot(name, title, x_label, series, tuple((x, f"{x:,g}") for x in ticks), linear=True)


def svg(plot: Plot) -> str:
    """Return the plot as an HTML figure."""
    wide = " wide" if any(series.published for series in plot.series) else ""
    return (
        f'<figure class="plot{wide}" data-plot="{escaped(plot.name)}">\n<div class="canvas">{_svg(plot)}</div>\n'
        f'<p class="note">{escaped(plot.note)}</p>\n</figure>'
    )


def svg_document(plot: Plot) -> str:
    """Return the plot as an SVG file with its styles, for light and dark pages."""
    return _svg(plot, f"\n<style>\n{template('colors.css')}\n{template('plots.css')}</style>\n") + "\n"


def _svg(plot: Plot, styles: str = "") -> str:
    """Return the plot as an SVG element with its title and legend."""
    published = [series for series in plot.series if series.published]
    runs = [series for series in plot.series if not series.published]
    canvas = _Canvas(plot.x_range, (plot.y_ticks[0][0], plot.y_ticks[-1][0]), plot.linear)
    _axes(canvas, plot)
    for series in published:
        path = canvas.path([(point.x, point.y) for point in series.points])
        name = f"theirs{' dashed' if series.dashed else ''}"
        canvas.add("path", f"<title>{escaped(series.name)}</title>", class_=name, d=path)
    _names(canvas, published)
    for number, series in enumerate(runs):
        _draw(canvas, series, number, (number - (len(runs) - 1) / 2) * 5 if series.joined else 0.0)
        y = HEIGHT + 11 + LEGEND_LINE * number
        canvas.add("g", _marker(LEFT + 7, y, number), class_=f"s{number % COLORS}")
        canvas.add("text", escaped(series.name), x=LEFT + 20, y=y + 4)
    if published:
        canvas.add("text", PUBLISHED, x=LEFT + 20, y=HEIGHT + 15 + LEGEND_LINE * len(runs))
    width = WIDTH + (LABELS if published else 0)
    height = TITLE + HEIGHT + LEGEND_LINE * (len(runs) + bool(published)) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escaped(plot.title)}">{styles}'
        f'<g class="canvas"><rect class="paper" width="100%" height="100%"/>'
        f'<text class="heading" x="{LEFT}" y="22">{escaped(plot.title)}</text>'
        f'<g transform="translate(0 {TITLE})">{"".join(canvas.parts)}</g></g></svg>'
    )


def mark(number: int) -> str:
    """Return the mark of a run's points, for a legend."""
    return (
        f'<svg class="mark-of s{number % COLORS}" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">'
        f"{_marker(7, 7, number)}</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Elements of a plot, and the ranges of its axes."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    linear: bool
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + ((value if self.linear else log10(value)) - low) / (high - low) * (RIGHT - LEFT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    def path(self, points: Sequence[tuple[float, float]], shift: float = 0.0) -> str:
        steps = (f"{self.x(x) + shift:.1f} {self.y(y):.1f}" for x, y in points)
        return " ".join(f"{'L' if number else 'M'}{step}" for number, step in enumerate(steps))

    def add(self, tag: str, content: str = "", **attributes: str | float) -> None:
        written = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{value if isinstance(value, str) else f"{value:.1f}"}"'
            for name, value in attributes.items()
        )
        self.parts.append(f"<{tag}{written}>{content}</{tag}>")


def _axes(canvas: _Canvas, plot: Plot) -> None:
    for value, label in plot.y_ticks:
        y = canvas.y(value)
        canvas.add("line", class_="grid", x1=LEFT, x2=RIGHT, y1=y, y2=y)
        canvas.add("text", label, class_="tick", x=LEFT - 7, y=y + 4, text_anchor="end")
    for value, label in plot.ticks:
        x = canvas.x(value)
        canvas.add("line", class_="axis", x1=x, x2=x, y1=BOTTOM, y2=BOTTOM + 5)
        canvas.add("text", escaped(label), class_="tick", x=x, y=BOTTOM + 19, text_anchor="middle")
    canvas.add("line", class_="axis", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM)
    middle = (LEFT + RIGHT) / 2
    canvas.add("text", escaped(plot.x_label), class_="title", x=middle, y=HEIGHT - 8, text_anchor="middle")


def _names(canvas: _Canvas, published: Sequence[Series]) -> None:
    """Write the names of curves behind their ends without overlaps."""
    ends = sorted(((canvas.y(series.points[-1].y), series) for series in published), key=lambda end: end[0])
    heights = spread([y for y, _ in ends], 11.0, TOP, BOTTOM)
    for (y, series), height in zip(ends, heights, strict=True):
        x = canvas.x(series.points[-1].x)
        canvas.add("path", class_="leader", d=f"M{x + 3:.1f} {y:.1f} L{RIGHT + 4} {height:.1f}")
        canvas.add("text", escaped(series.name), class_="theirs", x=RIGHT + 7, y=height + 3.5)


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return ascending values moved apart by `gap`, and within bounds if they fit."""
    found: list[float] = []
    for value in values:
        found.append(max(value, found[-1] + gap) if found else max(value, low))
    for number in range(len(found)):
        found[-1 - number] = min(found[-1 - number], high - number * gap)
    return found


def _draw(canvas: _Canvas, series: Series, number: int, shift: float) -> None:
    """Draw a series in the color of its number."""
    color = f"s{number % COLORS}"
    if series.line:
        canvas.add("path", class_=f"line {color}", d=canvas.path(series.line))
    if series.joined and len(series.points) > 1:
        path = canvas.path([(point.x, point.y) for point in series.points], shift)
        canvas.add("path", class_=f"line {color}", d=path)
    for point in series.points:
        x, y = canvas.x(point.x) + shift, canvas.y(point.y)
        whisker = ""
        if point.low is not None and point.high is not None:
            bottom, top = canvas.y(point.low), canvas.y(point.high)
            path = f"M{x:.1f} {bottom:.1f} V{top:.1f} M{x - 3:.1f} {bottom:.1f} h6 M{x - 3:.1f} {top:.1f} h6"
            whisker = f'<path class="whisker" d="{path}"/>'
        canvas.add("g", f"<title>{escaped(point.tooltip)}</title>{whisker}{_marker(x, y, number)}", class_=color)


def _marker(x: float, y: float, number: int) -> str:
    """Return the mark of a run; runs of the same color have different shapes."""
    shape = (number + number // COLORS) % SHAPES
    if shape == 0:
        return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    square = f"M{x - 3.6:.1f} {y - 3.6:.1f} h7.2 v7.2 h-7.2 Z"
    diamond = f"M{x:.1f} {y - 5:.1f} l5 5 l-5 5 l-5 -5 Z"
    triangle = f"M{x:.1f} {y - 4.8:.1f} l4.8 8.4 h-9.6 Z"
    return f'<path class="dot" d="{(square, diamond, triangle)[shape - 1]}"/>'
