"""Where a condition around a use rules out that it is None."""

import ast

from hypothesis import given, strategies as st

from lintseq.languages.python.guards import Guards

TESTS = st.sampled_from(
    ["x", "not x", "x is None", "x is not None", "isinstance(x, int)", "a.x", "x and y", 'hasattr(x, "y")', "y"]
)
USES = st.sampled_from(["x", "a.x", "x if x else x.y", "x if x is None else x"])


def blocks(children: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    def block(test: str, body: list[str], orelse: list[str]) -> list[str]:
        indented = [f"    {line}" for line in orelse]
        return [f"if {test}:", *(f"    {line}" for line in body), *(["else:", *indented] if orelse else [])]

    return st.builds(block, TESTS, children, st.one_of(st.just([]), children))


SUITES = st.recursive(
    USES.map(lambda use: [use]),
    lambda children: st.one_of(blocks(children), st.builds(list.__add__, children, children)),
)


def rules_out_none(test: ast.expr, use: str, *, inverted: bool) -> bool:
    text = ast.unparse(test)
    if inverted:
        return text in (f"not {use}", f"{use} is None")
    return text in (use, f"{use} is not None", f"isinstance({use}, int)")


def guarded(tree: ast.AST, use: str, *, holds: bool = False) -> list[tuple[ast.expr, bool]]:
    """Return each use, and whether a condition around it rules out None."""
    found: list[tuple[ast.expr, bool]] = []
    if isinstance(tree, ast.Name | ast.Attribute) and ast.unparse(tree) == use:
        found.append((tree, holds))
    for name, value in ast.iter_fields(tree):
        inner = holds
        if isinstance(tree, ast.If | ast.IfExp) and name in ("body", "orelse"):
            inner = holds or rules_out_none(tree.test, use, inverted=name == "orelse")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                found += guarded(child, use, holds=inner)
    return found


@given(SUITES, st.sampled_from(["x", "a.x"]))
def test_a_use_is_guarded_if_a_condition_around_it_rules_out_none(suite: list[str], use: str) -> None:
    tree = ast.parse("\n".join(suite))
    guards = Guards([node for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp)])
    assert [guards.hold(node) for node, _ in guarded(tree, use)] == [holds for _, holds in guarded(tree, use)]
