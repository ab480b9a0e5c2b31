"""Turn programs into exact, linter-clean edit sequences for training code models.

Everything public is in this namespace and documented in `docs/api.md`; it is imported when it is first used.

>>> import lintseq
>>> sequence = lintseq.sample_edits("import math\\nprint(math.pi)\\n", seed=0)
>>> print(lintseq.get_codec("diff").write(sequence), end="")
<|diff|>@@ -0,0 +1 @@
+import math
<|diff|>@@ -1,0 +2 @@
+print(math.pi)
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_STUB = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
"""The public names and the modules that define them, as type checkers read them."""
_MODULES = {
    name: module
    for module, names in re.findall(r"(?ms)^from (\S+) import (\(.*?\)|.*?$)", _STUB)
    for name in re.findall(r"(\w+) as \1", names)
}
__all__ = ["__version__", *_MODULES]  # noqa: PLE0604  (the stub has the list for type checkers)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'lintseq' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
