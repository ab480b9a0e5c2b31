"""Losses of a training run as PNG, drawn by matplotlib, which is an extra."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLORS = ("#2d4fb8", "#b4541a", "#1c6534", "#8b3a9c", "#7d5200", "#126060", "#a3254b", "#555049")
"""Those of the page in light."""
MARKERS = ("o", "s", "D", "^")
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
        axes.set_title(title.replace("$", r"\$"), loc="left", fontweight="bold", fontsize=11)
        axes.legend(frameon=False, loc="upper right")
        figure.savefig(path, dpi=144, metadata={"Software": None})
