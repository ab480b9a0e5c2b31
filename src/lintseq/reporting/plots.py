"""Plots as values, and as SVG, in a page or in a file: points, lines, bands and intervals on axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10

from lintseq.reporting.pages import escaped, template

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 50
LABELS = 140
"""Width of the margin at the right for the names of published curves."""
TITLE, LEGEND_LINE = 32, 18
"""Heights of the title and of a line of the legend in an SVG file."""
SHAPES = ("circle", "square", "diamond", "triangle")
COLORS = 8
"""How many the style sheet has, s0 and following; runs after these get hollow marks and dashed lines."""
PUBLISHED = "gray: published, digitized; dashed: without edits"


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    """The ends of the interval of `y`."""
    says: str = ""
    """The point in words, for its tooltip."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn in one color."""

    name: str
    points: tuple[Point, ...] = ()
    joined: bool = True
    """Whether a line leads from point to point."""
    line: tuple[tuple[float, float], ...] = ()
    """A line of its own, such as a fitted one."""
    band: tuple[tuple[float, float, float], ...] = ()
    """Around it: x, lowest, highest."""
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
    def y_range(self) -> tuple[float, float]:
        """The ends of the y axis."""
        ticks = self.y_ticks
        return ticks[0][0], ticks[-1][0]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Positions and labels on the y axis: round numbers, or tens of percent, or less where all is low."""
        found = self._heights()
        if self.linear:
            return [(y, f"{y:,g}") for y in round_ticks(found)]
        extent = max(found) - min(found)
        step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1) if extent / step <= 8), 0.2)
        step = 0.1 if extent < 0.005 else step
        low, high = floor(min(found) / step + 1e-9), ceil(max(found) / step - 1e-9)
        if low == high:
            low, high = low - 1, high + 1
        start, end = max(0.0, low * step), min(1.0, high * step)
        ticks = [start + number * step for number in range(round((end - start) / step) + 1)]
        return [(y, percent_tick(y)) for y in ticks]

    def _heights(self) -> list[float]:
        points = [point for series in self.series for point in series.points]
        values = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
        lines = [y for series in self.series for _, y in series.line]
        return values + (lines if self.linear else [min(max(y, 0.0), 1.0) for y in lines])


def percent_tick(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def power(number: float) -> str:
    """Return a number as a person writes it: 2.2·10¹⁵."""
    exponent = floor(log10(number)) if number > 0 else 0
    digits = f"{number / 10**exponent:.3g}"
    if digits == "10":
        digits, exponent = "1", exponent + 1
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if digits == "1" else f"{digits}·10{raised}"


def log_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Return ticks for an axis from `low` to `high`: powers of ten, and 2 and 5 of them where there are few."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    decades = log10(high) - log10(low)
    factors: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 6, 8)
    if decades >= 0.5:
        factors = (1, 2, 5) if decades < 2 else (1,)
    spare = 0.04 * max(decades, 0.3)
    found = tuple(
        (value, power(value))
        for exponent in exponents
        for factor in factors
        if log10(low) - spare <= log10(value := factor * 10.0**exponent) <= log10(high) + spare
    )
    return found or ((low, power(low)),)


def round_ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers, at least two, that span the values."""
    low, high = min(values), max(values)
    extent = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** floor(log10(extent / 5))
    step = next((factor * magnitude for factor in (1, 2, 5) if extent / (factor * magnitude) <= 6), 10 * magnitude)
    first = floor(low / step)
    last = max(ceil(high / step), first + 1)
    return [round(number * step, 12) for number in range(first, last + 1)]


def line_plot(name: str, title: str, x_label: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Plot:
    """Return a plot with one line for each name, on linear axes; each line has at least one point."""
    ticks = round_ticks([x for points in lines.values() for x, _ in points])
    series = tuple(Series(name, line=tuple(points)) for name, points in lines.items())
    return Plot(name, title, x_label, series, tuple((x, f"{x:,g}") for x in ticks), linear=True)


@dataclass(slots=True)
class _Canvas:
    plot: Plot
    parts: list[str] = field(default_factory=list)
    x_range: tuple[float, float] = field(init=False)
    y_range: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self.x_range, self.y_range = self.plot.x_range, self.plot.y_range

    @property
    def labels(self) -> int:
        return LABELS if any(series.published for series in self.plot.series) else 0

    @property
    def width(self) -> int:
        return WIDTH + self.labels

    @property
    def right(self) -> float:
        return WIDTH - RIGHT

    def x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + ((value if self.plot.linear else log10(value)) - low) / (high - low) * (self.right - LEFT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    def add(self, tag: str, content: str = "", **attributes: str | float) -> None:
        written = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{value if isinstance(value, str) else f"{value:.1f}"}"'
            for name, value in attributes.items()
        )
        self.parts.append(f"<{tag}{written}>{content}</{tag}>")


def svg(plot: Plot) -> str:
    """Return the plot as an HTML figure: SVG, and a legend."""
    canvas = _draw(plot)
    legend = "".join(f"<li>{mark(number)}{escaped(series.name)}</li>" for number, series in enumerate(_runs(plot)))
    if canvas.labels:
        legend += f'<li class="theirs">{PUBLISHED}</li>'
    return (
        f'<figure class="plot{" wide" if canvas.labels else ""}" data-plot="{escaped(plot.name)}">\n'
        f"<figcaption><h3>{escaped(plot.title)}</h3></figcaption>\n"
        f'<ul class="legend">{legend}</ul>\n'
        f'<div class="canvas"><svg viewBox="0 0 {canvas.width} {HEIGHT}" role="img"'
        f' aria-label="{escaped(plot.title)}">{"".join(canvas.parts)}</svg></div>\n'
        f'<p class="note">{escaped(plot.note)}</p>\n</figure>'
    )


def svg_document(plot: Plot) -> str:
    """Return the plot as an SVG file with its title, legend and styles, for light and dark pages."""
    canvas = _draw(plot)
    names = [series.name for series in _runs(plot)]
    legend = [
        f'<g class="s{number % COLORS}">{_marker(LEFT + 7, HEIGHT + 11 + LEGEND_LINE * number, number)}</g>'
        f'<text x="{LEFT + 20}" y="{HEIGHT + 15 + LEGEND_LINE * number}">{escaped(name)}</text>'
        for number, name in enumerate(names)
    ]
    if canvas.labels:
        legend.append(f'<text x="{LEFT + 20}" y="{HEIGHT + 15 + LEGEND_LINE * len(names)}">{PUBLISHED}</text>')
    height = TITLE + HEIGHT + LEGEND_LINE * len(legend) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {canvas.width} {height}" width="{canvas.width}"'
        f' height="{height}" role="img" aria-label="{escaped(plot.title)}">\n'
        f"<style>\n{template('colors.css')}\n{template('plots.css')}</style>\n"
        f'<g class="canvas"><rect class="paper" width="100%" height="100%"/>'
        f'<text class="heading" x="{LEFT}" y="22">{escaped(plot.title)}</text>\n'
        f'<g transform="translate(0 {TITLE})">{"".join([*canvas.parts, *legend])}</g></g>\n</svg>\n'
    )


def mark(number: int) -> str:
    """Return the mark of a run's points, for a legend."""
    return (
        f'<svg class="mark-of s{number % COLORS}" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">'
        f"{_marker(7, 7, number)}</svg>"
    )


def _runs(plot: Plot) -> list[Series]:
    return [series for series in plot.series if not series.published]


def _draw(plot: Plot) -> _Canvas:
    canvas = _Canvas(plot)
    _axes(canvas)
    published = [series for series in plot.series if series.published]
    for series in published:
        _background(canvas, series)
    _names(canvas, published)
    runs = _runs(plot)
    for number, series in enumerate(runs):
        _foreground(canvas, series, number, (number - (len(runs) - 1) / 2) * 5 if series.joined else 0.0)
    return canvas


def _axes(canvas: _Canvas) -> None:
    plot = canvas.plot
    for value, label in plot.y_ticks:
        y = canvas.y(value)
        canvas.add("line", class_="grid", x1=LEFT, x2=canvas.right, y1=y, y2=y)
        canvas.add("text", label, class_="tick", x=LEFT - 7, y=y + 4, text_anchor="end")
    base = HEIGHT - BOTTOM
    for value, label in plot.ticks:
        x = canvas.x(value)
        canvas.add("line", class_="axis", x1=x, x2=x, y1=base, y2=base + 5)
        canvas.add("text", escaped(label), class_="tick", x=x, y=base + 19, text_anchor="middle")
    canvas.add("line", class_="axis", x1=LEFT, x2=canvas.right, y1=base, y2=base)
    middle = (LEFT + canvas.right) / 2
    canvas.add("text", escaped(plot.x_label), class_="title", x=middle, y=HEIGHT - 8, text_anchor="middle")


def _path(canvas: _Canvas, points: Sequence[tuple[float, float]], shift: float = 0.0) -> str:
    return " ".join(
        f"{'L' if number else 'M'}{canvas.x(x) + shift:.1f} {canvas.y(y):.1f}" for number, (x, y) in enumerate(points)
    )


def _background(canvas: _Canvas, series: Series) -> None:
    dashed = " dashed" if series.dashed else ""
    path = _path(canvas, [(point.x, point.y) for point in series.points])
    canvas.add("path", f"<title>{escaped(series.name)}</title>", class_=f"theirs{dashed}", d=path)


def _names(canvas: _Canvas, published: Sequence[Series]) -> None:
    """Write the names of curves behind their ends without overlaps."""
    ends = sorted(((canvas.y(series.points[-1].y), series) for series in published), key=lambda end: end[0])
    heights = spread([y for y, _ in ends], 11.0, TOP, HEIGHT - BOTTOM)
    for (y, series), height in zip(ends, heights, strict=True):
        x = canvas.x(series.points[-1].x)
        canvas.add("path", class_="leader", d=f"M{x + 3:.1f} {y:.1f} L{canvas.right + 4:.1f} {height:.1f}")
        canvas.add("text", escaped(series.name), class_="theirs", x=canvas.right + 7, y=height + 3.5)


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return ascending values moved apart by `gap`, and within bounds if they fit."""
    found: list[float] = []
    for value in values:
        found.append(max(value, found[-1] + gap) if found else max(value, low))
    limit = high
    for number in range(len(found) - 1, -1, -1):
        found[number] = min(found[number], limit)
        limit = found[number] - gap
    return found


def _foreground(canvas: _Canvas, series: Series, number: int, shift: float) -> None:
    color = f"s{number % COLORS}"
    line = f"line {color}{' hollow' if is_hollow(number) else ''}"
    low, high = canvas.y_range
    if series.band:
        there = [(x, min(max(bottom, low), high)) for x, bottom, _ in series.band]
        back = [(x, min(max(top, low), high)) for x, _, top in reversed(series.band)]
        canvas.add("path", class_=f"band {color}", d=_path(canvas, [*there, *back]) + " Z")
    if series.line:
        visible = [(x, y) for x, y in series.line if low <= y <= high]
        canvas.add("path", class_=line, d=_path(canvas, visible))
    if series.joined and len(series.points) > 1:
        path = _path(canvas, [(point.x, point.y) for point in series.points], shift)
        canvas.add("path", class_=line, d=path)
    for point in series.points:
        x, y = canvas.x(point.x) + shift, canvas.y(point.y)
        whisker = ""
        if point.low is not None and point.high is not None:
            bottom, top = canvas.y(point.low), canvas.y(point.high)
            path = f"M{x:.1f} {bottom:.1f} V{top:.1f} M{x - 3:.1f} {bottom:.1f} h6 M{x - 3:.1f} {top:.1f} h6"
            whisker = f'<path class="whisker" d="{path}"/>'
        canvas.add("g", f"<title>{escaped(point.says)}</title>{whisker}{_marker(x, y, number)}", class_=color)


def is_hollow(number: int) -> bool:
    """Return whether a run's color is that of an earlier run: its marks are hollow, its lines dashed."""
    return number // COLORS % 2 == 1


def _marker(x: float, y: float, number: int) -> str:
    look = "dot hollow" if is_hollow(number) else "dot"
    match SHAPES[number % len(SHAPES)]:
        case "circle":
            return f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        case "square":
            path = f"M{x - 3.6:.1f} {y - 3.6:.1f} h7.2 v7.2 h-7.2 Z"
        case "diamond":
            path = f"M{x:.1f} {y - 5:.1f} l5 5 l-5 5 l-5 -5 Z"
        case _:
            path = f"M{x:.1f} {y - 4.8:.1f} l4.8 8.4 h-9.6 Z"
    return f'<path class="{look}" d="{path}"/>'
