"""The isolation that the sandbox achieves on this machine, layer by layer, and advice where it is refused."""

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Level = Literal["isolated", "confined", "unsafe"]
"""How programs are isolated: in namespaces, by what a process can give up, or not at all."""
LevelOrAuto = Literal["auto", "isolated", "confined", "unsafe"]
"""`auto` is the strongest level that this machine offers, never `unsafe`."""

_TEXTS = tomllib.loads(Path(__file__).with_name("layers.toml").read_text(encoding="utf-8"))
LAYERS: Mapping[str, Mapping[str, str]] = {level: _TEXTS[level] for level in ("isolated", "confined")}
"""What each layer means for a program, by level."""
LACKS: Mapping[str, str] = _TEXTS["lacks"]
"""What the level `confined` may lack compared with `isolated`."""


@dataclass(frozen=True, slots=True)
class IsolationLayer:
    """One layer of isolation."""

    name: str
    meaning: str
    on: bool
    reason: str = ""
    """Why it is off."""


@dataclass(frozen=True, slots=True)
class IsolationLevel:
    """How programs are isolated."""

    name: Level
    """`isolated`, `confined`, or `unsafe` for none."""
    layers: tuple[IsolationLayer, ...]
    """What is on, and why the rest is off."""
    lacks: tuple[str, ...] = ()
    """What the level lacks compared with `isolated`."""
    reason: str = ""
    """Why a stronger level is not available."""

    @property
    def summary(self) -> str:
        """One line, for the header of a run."""
        if self.name == "unsafe":
            return "unsafe: programs run with all your rights; only time, memory and output are limited"
        off = [layer.name for layer in self.layers if not layer.on]
        layers = "all layers are on" if not off else f"all layers but {', '.join(off)}"
        return f"{self.name}: {layers}" + (f"; {self.reason}" if self.reason else "")

    def describe(self) -> str:
        """Return the summary, one line per layer, and what is lacking."""
        lines = [self.summary, ""]
        for layer in self.layers:
            line = f"  {'on ' if layer.on else 'OFF'}  {layer.name:<10} {layer.meaning}"
            lines.append(f"{line}: {layer.reason}" if layer.reason else line)
        if self.lacks:
            lines += ["", "Compared with the level isolated:", *(f"  - {text}" for text in self.lacks)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for manifests."""
        return {
            "level": self.name,
            "layers": {layer.name: layer.on for layer in self.layers},
            "off": {layer.name: layer.reason for layer in self.layers if not layer.on},
            **({"lacks": list(self.lacks)} if self.lacks else {}),
            **({"reason": self.reason} if self.reason else {}),
        }


def isolation_level(name: Level, off: Mapping[str, str], lacks: Sequence[str]) -> IsolationLevel:
    """Return a level with all its layers except those in `off`, which gives reasons, and what it lacks."""
    if name == "unsafe":
        off = dict.fromkeys(LAYERS["isolated"].keys() - {"limits"}, "not requested (unsafe)")
    texts = LAYERS["confined" if name == "confined" else "isolated"]
    layers = tuple(IsolationLayer(layer, text, layer not in off, off.get(layer, "")) for layer, text in texts.items())
    return IsolationLevel(name, layers, tuple(LACKS[key] for key in lacks))


_NAMESPACE_SETTINGS = (
    ("kernel.apparmor_restrict_unprivileged_userns", 1, 0),  # Ubuntu since 24.04
    ("user.max_user_namespaces", 0, 10000),
    ("kernel.unprivileged_userns_clone", 0, 1),
)
"""Settings of Linux that forbid users to create namespaces: name, value that forbids it, value that allows it."""


def advice(refusal: str) -> str:
    """Return what the user can do about a refused sandbox, as far as this machine shows the cause."""
    if not sys.platform.startswith("linux"):
        return "use Linux (a container or a virtual machine will do)"
    for setting, forbidding, value in _NAMESPACE_SETTINGS if os.geteuid() != 0 else ():
        with suppress(OSError, ValueError), open(f"/proc/sys/{setting.replace('.', '/')}") as file:
            if int(file.read()) == forbidding:
                return f"users may not create namespaces here: run as root, or `sudo sysctl {setting}={value}`"
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return "this is a container: start it with `--security-opt seccomp=unconfined` or `--cap-add SYS_ADMIN`"
    if "Permission denied" in refusal:
        return "this user cannot read the Python that runs lintseq from inside a namespace: install it elsewhere"
    return "run where namespaces are allowed"
