"""Line charts as standalone SVG files, without any library."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from lintseq.reporting.pages import escaped

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 60, 50
_COLORS = ("#2d4fb8", "#b4541a", "#1c6534", "#8b3a9c")


def line_chart(title: str, x_label: str, y_label: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return an SVG document with one line per name, on linear axes; each line has at least one point."""
    x_ticks = _ticks([x for points in lines.values() for x, _ in points])
    y_ticks = _ticks([y for points in lines.values() for _, y in points])
    x_scale = (_WIDTH - _LEFT - _RIGHT) / (x_ticks[-1] - x_ticks[0])
    y_scale = (_HEIGHT - _TOP - _BOTTOM) / (y_ticks[-1] - y_ticks[0])
    middle, base = (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        f' font-size="12" fill="#24221e" role="img" aria-label="{escaped(title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-weight="bold">{escaped(title)}</text>',
        f'<text x="{middle:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">{escaped(x_label)}</text>',
        f'<text x="{_LEFT}" y="{_TOP - 10}" text-anchor="end">{escaped(y_label)}</text>',
    ]
    for value in y_ticks:
        height = f"{base - (value - y_ticks[0]) * y_scale:.1f}"
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height}" y2="{height}" stroke="#dfdbd1"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{height}" dy="4" text-anchor="end">{value:,g}</text>')
    for value in x_ticks:
        x = f"{_LEFT + (value - x_ticks[0]) * x_scale:.1f}"
        parts.append(f'<text x="{x}" y="{base + 18}" text-anchor="middle">{value:,g}</text>')
    for number, (name, points) in enumerate(lines.items()):
        color = _COLORS[number % len(_COLORS)]
        scaled = [(_LEFT + (x - x_ticks[0]) * x_scale, base - (y - y_ticks[0]) * y_scale) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{scaled[-1][0]:.1f}" cy="{scaled[-1][1]:.1f}" r="3" fill="{color}"/>')
        parts.append(f'<text x="{_LEFT + 130 * number}" y="38" fill="{color}">{escaped(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers, at least two, that span the values."""
    low, high = min(values), max(values)
    extent = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** floor(log10(extent / 5))
    step = next((factor * magnitude for factor in (1, 2, 5) if extent / (factor * magnitude) <= 6), 10 * magnitude)
    first = floor(low / step)
    last = max(ceil(high / step), first + 1)
    return [round(number * step, 12) for number in range(first, last + 1)]
