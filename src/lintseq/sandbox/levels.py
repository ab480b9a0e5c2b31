"""What a sandbox is made of on this machine, in words for people and as plain values for results."""

import os
import sys
from dataclasses import dataclass
from typing import Any, Literal

LevelName = Literal["isolated", "unsafe"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the things that keep a program in."""

    name: str
    meaning: str
    on: bool
    why: str = ""
    """Why it is off."""


@dataclass(frozen=True, slots=True)
class Level:
    """How far programs are kept in."""

    name: LevelName
    layers: tuple[Layer, ...]

    @property
    def headline(self) -> str:
        """Say it in one line, for the header of a run."""
        off = [layer.name for layer in self.layers if not layer.on]
        if self.name == "unsafe":
            return "unsafe: programs run as you, with all that you may do; only time, memory and output are limited"
        return "isolated: " + ("all layers are on" if not off else f"all layers but {', '.join(off)}")

    def words(self) -> str:
        """Say it layer by layer."""
        lines = [self.headline, ""]
        for layer in self.layers:
            line = f"  {'on ' if layer.on else 'OFF'}  {layer.name:<10} {layer.meaning}"
            lines.append(f"{line}: {layer.why}" if layer.why else line)
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, to be stored with results."""
        return {
            "level": self.name,
            "layers": {layer.name: layer.on for layer in self.layers},
            "off": {layer.name: layer.why for layer in self.layers if not layer.on},
        }


def level_of(name: LevelName, meanings: dict[str, str], off: dict[str, str]) -> Level:
    """Return the level at which the layers named in `off` are off, each with the reason."""
    return Level(name, tuple(Layer(one, words, not off[one], off[one]) for one, words in meanings.items()))


def advice(why: str) -> str:
    """Return what a person may do about a sandbox that cannot be had, as far as this machine shows a cause."""
    if not sys.platform.startswith("linux"):
        return "use Linux (a container or a virtual machine will do)"
    if _number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 and os.geteuid() != 0:
        return (
            "AppArmor keeps users from making namespaces here (as Ubuntu does since 24.04): run as root, or"
            " `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        )
    if _number("/proc/sys/user/max_user_namespaces") == 0 and os.geteuid() != 0:
        return "user namespaces are switched off here: run as root, or raise user.max_user_namespaces"
    if _number("/proc/sys/kernel/unprivileged_userns_clone") == 0 and os.geteuid() != 0:
        return (
            "user namespaces are switched off here: run as root, or `sudo sysctl kernel.unprivileged_userns_clone=1`"
        )
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return "this is a container: start it with `--security-opt seccomp=unconfined` or `--cap-add SYS_ADMIN`"
    if "Permission denied" in why:
        return "this user cannot read the Python that runs lintseq from inside a namespace: install it elsewhere"
    return "run where namespaces are allowed"


def _number(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
