"""Presets: combinations of build options that the studies in `docs/results` compare, by name."""

from collections.abc import Mapping
from typing import Any, Literal

PresetName = Literal["paper", "recommended"]

PRESETS: Mapping[PresetName, Mapping[str, Any]] = {
    "paper": {"samples": 5, "order": "uniform", "format": "diff"},
    "recommended": {"samples": 1, "order": "forward", "format": "search-replace"},
}
"""The options that a preset sets, by their names on the command line."""


def preset_in_words(name: PresetName) -> str:
    """Return what a preset sets, such as `paper: samples 5, order uniform`."""
    return f"{name}: {_in_words(PRESETS[name])}"


def describe_preset(name: PresetName, options: Mapping[str, Any]) -> str:
    """Return in words which of `options` have their value from a preset, and which differ from it."""
    preset = {option: value for option, value in PRESETS[name].items() if option in options}
    kept = {option: value for option, value in preset.items() if options[option] == value}
    overridden = {option: options[option] for option in preset if option not in kept}
    text = f"preset {name}: {_in_words(kept) or 'nothing'}"
    return f"{text}; overridden: {_in_words(overridden)}" if overridden else text


def _in_words(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{option} {value}" for option, value in options.items())
