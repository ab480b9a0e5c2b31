"""Random programs for property tests."""

from hypothesis import strategies as st

from lintseq.languages import get_linter

# Programs from a small grammar: names that are bound and used in every kind of statement.

NAMES = st.sampled_from("abcd")


@st.composite
def suites(draw: st.DrawFn, depth: int = 0, *, function: bool = False, loop: bool = False) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = ["assign", "use", "augment", "call", "comment", "blank", "comprehension", "lambda", "import"]
        kinds += ["annotate", "annotated", "walrus", "delete"]
        if function:
            kinds += ["return", "global", "nonlocal"] if not lines else ["return"]
        if loop:
            kinds += ["break", "continue"]
        if depth < 3:
            kinds += ["if", "if_else", "chain", "for", "while", "try", "with", "def", "class", "match"]
        kind = draw(st.sampled_from(kinds))
        first, second = draw(NAMES), draw(NAMES)

        def inner(*, function: bool = function, loop: bool = loop) -> list[str]:
            return ["    " + line for line in draw(suites(depth + 1, function=function, loop=loop))]

        simple = {
            "assign": f"{first} = {second}",
            "use": f"print({first}, {second})",
            "augment": f"{first} += 1",
            "call": f"{first}({second})",
            "comment": f"# {first}",
            "blank": "",
            "comprehension": f"{first} = [{second} for {second} in {first}]",
            "lambda": f"{first} = lambda {second}: {first}",
            "import": f"import {first}",
            "return": f"return {first}",
            "global": f"global {first}",
            "nonlocal": f"nonlocal {first}",
            "annotate": f"{first}: {second}",
            "annotated": f"{first}: {second} = 1",
            "walrus": f"print([({first} := {second}) for e in {second}])",
            "delete": f"del {first}",
            "break": "break",
            "continue": "continue",
        }
        if kind in simple:
            lines.append(simple[kind])
            if kind in ("comment", "blank"):
                lines.append("pass")
        elif kind == "if":
            lines += [f"if {first}:", *inner()]
        elif kind == "if_else":
            lines += [f"if {first}:", *inner(), "else:", *inner()]
        elif kind == "chain":
            lines += [f"if {first}:", *inner(), f"elif {second}:", *inner(), "else:", *inner()]
        elif kind == "for":
            lines += [f"for {first} in {second}:", *inner(loop=True), "else:", *inner()]
        elif kind == "while":
            lines += [f"while {first}:", *inner(loop=True)]
        elif kind == "try":
            lines += ["try:", *inner(), f"except {first} as {second}:", *inner()]
            lines += ["else:", *inner(), "finally:", *inner(loop=False)]
        elif kind == "with":
            lines += [f"with {first} as {second}:", *inner()]
        elif kind == "def":
            lines += [f"def {first}({second}={first}):", *inner(function=True, loop=False)]
        elif kind == "class":
            lines += [f"class {first}({second}):", *inner(function=False, loop=False)]
        elif kind == "match":
            lines += [f"match {first}:", f"    case [{second}]:", *["    " + line for line in inner()]]
            lines += ["    case _:", *["    " + line for line in inner()]]
    return lines


def is_clean(source: str) -> bool:
    return not get_linter("pyflakes").check(source)


def program(suite: list[str]) -> str:
    return "\n".join(["a = 1", "b = 2", "c = 3", "d = 4", *suite, ""])
