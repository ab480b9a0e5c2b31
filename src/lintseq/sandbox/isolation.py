"""The isolation that the sandbox achieves on this machine, layer by layer, and advice where it is refused."""

import os
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

IsolationName = Literal["isolated", "unsafe"]

_FILE = Path(__file__).with_name("layers.toml")
LAYERS: Mapping[str, str] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
"""What each layer means for a program."""


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

    name: IsolationName
    """`isolated`, or `unsafe` for none."""
    layers: tuple[IsolationLayer, ...]
    """What is on, and why the rest is off."""

    @classmethod
    def isolated(cls, off: Mapping[str, str]) -> "IsolationLevel":
        """Return the isolation with all layers except those in `off`, which gives reasons."""
        return cls("isolated", _layers(off))

    @classmethod
    def unsafe(cls) -> "IsolationLevel":
        """Return no isolation: only limits."""
        return cls("unsafe", _layers(dict.fromkeys(LAYERS.keys() - {"limits"}, "not requested (unsafe)")))

    @property
    def summary(self) -> str:
        """One line, for the header of a run."""
        if self.name == "unsafe":
            return "unsafe: programs run with all your rights; only time, memory and output are limited"
        off = [layer.name for layer in self.layers if not layer.on]
        return "isolated: " + ("all layers are on" if not off else f"all layers but {', '.join(off)}")

    def describe(self) -> str:
        """Return the summary and one line per layer."""
        lines = [self.summary, ""]
        for layer in self.layers:
            line = f"  {'on ' if layer.on else 'OFF'}  {layer.name:<10} {layer.meaning}"
            lines.append(f"{line}: {layer.reason}" if layer.reason else line)
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for manifests."""
        return {
            "level": self.name,
            "layers": {layer.name: layer.on for layer in self.layers},
            "off": {layer.name: layer.reason for layer in self.layers if not layer.on},
        }


_NAMESPACE_SETTINGS = (
    ("kernel.apparmor_restrict_unprivileged_userns", 1, 0),  # Ubuntu since 24.04
    ("user.max_user_namespaces", 0, 10000),
    ("kernel.unprivileged_userns_clone", 0, 1),
)
"""Settings of Linux that forbid users to create namespaces: name, value that forbids it, value that allows it."""


def _layers(off: Mapping[str, str]) -> tuple[IsolationLayer, ...]:
    return tuple(IsolationLayer(name, text, name not in off, off.get(name, "")) for name, text in LAYERS.items())


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
