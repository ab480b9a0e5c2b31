"""What programs may read: the system's programs and libraries, and this Python with its packages."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives")
_DATA = ("share", "ssl", "etc/fonts")
"""Where conda has what is in /usr/share and /etc elsewhere; other files of `etc` may be secret."""
DEVICES = ("null", "zero", "full", "random", "urandom")


PACKAGES = ("site-packages", "dist-packages")
"""Names of folders that contain only packages."""


def visible_paths() -> list[str]:
    """Return the paths that programs may read; none is inside another."""
    visible: list[str] = []
    for path in (*_SYSTEM, *python_paths()):
        for target in dict.fromkeys((path, os.path.realpath(path))):
            if os.path.lexists(target) and not any(is_in(target, other) for other in visible):
                visible.append(target)
    return visible


def python_paths() -> Iterator[str]:
    """Yield the paths of this Python and of the packages that it finds, some of which may not exist."""
    links = list(_links(sys.executable))
    home = os.path.dirname(os.path.dirname(links[-1]))
    for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, home)):
        for name in ("bin", "lib", "lib64", "pyvenv.cfg", *_DATA):
            if prefix not in ("/", ""):
                yield f"{prefix}/{name}"
    yield from links
    for folder in sys.path:
        if os.path.basename(folder) in PACKAGES:
            yield folder
            yield from _link_targets(folder)


def _links(path: str) -> Iterator[str]:
    """Yield a path and what it links to, link by link."""
    for _ in range(40):
        yield path
        if not os.path.islink(path):
            return
        path = os.path.join(os.path.dirname(path), os.readlink(path))
        if path != os.path.normpath(path):
            path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _link_targets(folder: str) -> Iterator[str]:
    """Yield what the entries of a folder of packages link to, which may be elsewhere.

    `uv pip install --link-mode symlink` links each file of a package, its metadata too, to the same place in a cache.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            path = f"{folder}/{name}"
            if os.path.islink(path):
                yield os.path.realpath(path)
            elif name.endswith(".dist-info") and os.path.islink(f"{path}/METADATA"):
                yield os.path.dirname(os.path.dirname(os.path.realpath(f"{path}/METADATA")))


def is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
