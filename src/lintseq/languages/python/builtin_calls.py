"""Calls that a builtin function takes as well as whatever else its name is bound to.

Only functions: what linters know of an instance of `list`, say, depends on the class.
"""

import ast

_ARGUMENTS = {
    **dict.fromkeys(("globals", "locals"), (0, 0)),
    **dict.fromkeys(("dir", "exit", "input", "quit", "vars"), (0, 1)),
    **dict.fromkeys(("abs", "all", "any", "ascii", "bin", "callable", "chr", "hash", "hex", "id", "len"), (1, 1)),
    **dict.fromkeys(("oct", "ord", "repr", "sorted"), (1, 1)),
    **dict.fromkeys(("format", "iter", "next", "round", "sum"), (1, 2)),
    **dict.fromkeys(("eval", "exec"), (1, 3)),
    **dict.fromkeys(("delattr", "divmod", "hasattr", "isinstance", "issubclass"), (2, 2)),
    **dict.fromkeys(("getattr", "pow"), (2, 3)),
    **dict.fromkeys(("max", "min"), (1, 255)),
    "open": (1, 8),
    "print": (0, 255),
    "setattr": (3, 3),
}
"""How many positional arguments the functions take."""
_KEYWORDS = {
    "max": {"default", "key"},
    "min": {"default", "key"},
    "open": {"buffering", "closefd", "encoding", "errors", "mode", "newline", "opener"},
    "print": {"end", "file", "flush", "sep"},
    "round": {"ndigits"},
    "sorted": {"key", "reverse"},
    "sum": {"start"},
}
BUILTIN_FUNCTIONS = frozenset(_ARGUMENTS)


def builtin_takes(name: str, call: ast.Call) -> bool:
    """Tell whether the builtin function `name` takes the arguments of a call, as far as can be seen."""
    least, most = _ARGUMENTS[name]
    keywords = {keyword.arg for keyword in call.keywords}
    is_open = None in keywords or any(isinstance(argument, ast.Starred) for argument in call.args)
    return is_open or (least <= len(call.args) <= most and keywords <= _KEYWORDS.get(name, set()))
