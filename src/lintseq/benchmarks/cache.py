"""The folder where downloaded benchmarks and worked-out results lie, so that they are got only once."""

import os
import sys
from pathlib import Path

VARIABLE = "LINTSEQ_CACHE"


def cache_folder() -> Path:
    """Return `$LINTSEQ_CACHE`, or lintseq's folder where this platform keeps caches."""
    said = os.environ.get(VARIABLE)
    if said:
        return Path(said)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/lintseq"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "lintseq/Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lintseq"
