"""Linters say what is wrong with a state, where, and the same on every call."""

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings, strategies as st
from pyflakes import messages

from lintseq.errors import ConfigError, ToolError
from lintseq.languages import get_language, get_linter, linter_version
from lintseq.linting import Diagnostic, findings, new_diagnostics
from lintseq.linting.command import CommandLinter
from lintseq.linting.pyflakes import UNFINISHED

try:
    import astroid

    from lintseq.linting import pylint as our_pylint

    HAS_PYLINT = True
except ModuleNotFoundError:
    HAS_PYLINT = False
HAS_RUFF = shutil.which("ruff") is not None or (Path(sys.executable).parent / "ruff").exists()
needs_pylint = pytest.mark.skipif(not HAS_PYLINT, reason="pylint is not installed")
needs_ruff = pytest.mark.skipif(not HAS_RUFF, reason="ruff is not installed")
INSTALLED = [
    "compile",
    "pyflakes",
    pytest.param("ruff", marks=needs_ruff),
    pytest.param("pylint", marks=needs_pylint),
    pytest.param("pylint+imports", marks=needs_pylint),
]
PYTHON_LINTERS = INSTALLED[1:]


@pytest.fixture(scope="module")
def linters():
    """Each linter once for the whole file: that is how they are used."""
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = get_linter(name)
        return cache[name]

    yield get
    if "ruff" in cache:
        cache["ruff"].close()


# ------------------------------------------------------------------------------------------ findings


def test_a_finding_does_not_depend_on_line_numbers_or_hints():
    first = Diagnostic("E1101", "Instance of 'A' has no 'foo' member; maybe 'fo'?", 3)
    second = Diagnostic("E1101", "Instance of 'A' has no 'foo' member; maybe one of 'fo' or 'fou'?", 8)
    third = Diagnostic("E1101", "Instance of 'A' has no 'foo' member", 8)
    assert first.finding == second.finding == third.finding
    assert Diagnostic("E0102", "function already defined line 3", 9).finding == (
        "E0102",
        "function already defined line _",
    )


def test_a_finding_is_new_when_it_occurs_more_often_than_known():
    a, b, c = Diagnostic("X", "m", 1), Diagnostic("X", "m", 2), Diagnostic("Y", "m", 2)
    assert new_diagnostics(findings([a]), [b]) == []
    assert new_diagnostics(findings([a]), [a, b]) == [a, b]
    assert new_diagnostics(findings([a, b]), [a, c]) == [c]
    assert new_diagnostics(Counter(), []) == []


# ------------------------------------------------------------------------------------------ syntax

BLAME = {
    "an empty suite blames its header": ("x = 1\n\nif x:\ny = 2\n", 3),
    "also at the end": ("def f():\n    # later\n\n", 1),
    "an orphan else": ("x = 1\nelse:\n    y = 2\n", 2),
    "an orphan elif": ("if x:\n    pass\nx = 1\nelif y:\n    pass\n", 4),
    "an open bracket": ("x = (1,\n     2\ny = 3\n", 1),
    "brackets that differ": ("x = [1,\n 2)\n", 1),
    "a bracket that closes nothing": ("x = 1\n)\n", 2),
    "a decorator at the end": ("x = 1\n@dec\n\n# c\n", 2),
    "a decorator of no definition": ("@dec\nx = 1\n", 1),
    "a decorator at the end of a block": ("class A:\n    @dec\nx = 1\n", 2),
    "a try without handlers": ("try:\n    x = 1\nprint(x)\n", 1),
    "a try without handlers at the end": ("y = 1\ntry:\n    x = 1\n", 2),
    "the outer try": (
        "def f():\n    try:\n        try:\n            a()\n        except E:\n            pass\n    b()\n",
        2,
    ),
    "the inner try": ("def f():\n    try:\n        try:\n            a()\n    except E:\n        pass\n    b()\n", 3),
    "a body without header": ("x = 1\n    y = 2\n", 2),
    "a broken line joined by backslashes": ("x = 1 + \\\n  3 + \\\ny = = 2\n", 1),
    "a misplaced statement": ("x = 1\nreturn x\n", 2),
    "an open string": ("x = 1\n'''abc\nfoo\n", 2),
    "a lone carriage return ends no line of ours": ("x = 1\ry = 2\rz = 3\nreturn 1\n", 2),
    "a null byte": ("x = 1\ny = '\0'\n", 2),
    "a lone surrogate": ("x = 1\ny = '\ud800'\n", 2),
    "too deep for the parser": ("x = " + "(" * 5000 + ")" * 5000, 1),
    "too deep for the compiler": ("x = " + "-" * 50000 + "1", 1),
}


@pytest.mark.parametrize("case", BLAME)
def test_a_syntax_error_blames_the_line_to_delete(case):
    source, line = BLAME[case]
    (diagnostic,) = get_linter("compile").check(source)
    assert (diagnostic.code, diagnostic.line) == ("syntax-error", line)


@pytest.mark.parametrize("name", INSTALLED)
def test_a_state_that_does_not_compile_has_that_one_finding(name, linters):
    (diagnostic,) = linters(name).check("x = undefined\nif x:\n")
    assert diagnostic.line == 2
    assert "expected an indented block" in diagnostic.message


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("source", ["", "\n", "x = 1", "x = '\\d'\n", "assert 1 == 1\r\n", "x = 1\f\r\n"])
def test_a_clean_state_has_no_finding_and_no_warning(name, source, linters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert linters(name).check(source) == []


LINES = st.sampled_from(
    ["if a:", "    b", "    try:", "        c", "else:", "@d", "def f(", "):", ")", "'''", "x = \\", ""]
)


@given(st.lists(LINES, min_size=1).map("\n".join))
def test_the_blamed_line_exists_and_deleting_it_again_and_again_ends_clean(source):
    linter = get_linter("compile")
    lines = source.split("\n")
    while found := linter.check("\n".join(lines)):
        assert 1 <= found[0].line <= len(lines)
        del lines[found[0].line - 1]


# ------------------------------------------------------------------------------------------ any Python linter


@pytest.mark.parametrize("name", PYTHON_LINTERS)
def test_an_undefined_name_is_found_and_blamed(name, linters):
    (diagnostic,) = linters(name).check("x = 1\n\nprint(x, nowhere)\n")
    assert "nowhere" in diagnostic.message
    assert diagnostic.line == 3


@pytest.mark.parametrize("name", PYTHON_LINTERS)
def test_unused_names_do_not_count(name, linters):
    assert linters(name).check("import os\n\n\ndef f():\n    x = 1\n    y: int = 2\n") == []


@pytest.mark.parametrize("name", PYTHON_LINTERS)
def test_configuration_files_have_no_effect(name, tmp_path, monkeypatch):
    (tmp_path / "ruff.toml").write_text('[lint]\nselect = ["ALL"]\nignore = ["F821"]\n')
    (tmp_path / ".pylintrc").write_text("[MAIN]\ndisable=all\n")
    (tmp_path / "pylintrc").write_text("[MAIN]\ndisable=all\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pylint.main]\ndisable = ["all"]\n[tool.ruff.lint]\nignore = ["F"]\n'
    )
    config = tmp_path / "ruff" / "ruff.toml"
    config.parent.mkdir()
    config.write_text('[lint]\nignore = ["F821"]\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYLINTRC", str(tmp_path / ".pylintrc"))
    monkeypatch.chdir(tmp_path)
    linter = get_linter(name)
    assert [d.line for d in linter.check("import os\nx = nowhere\n")] == [2]
    if name == "ruff":
        linter.close()


# ------------------------------------------------------------------------------------------ pyflakes


def test_every_kind_of_pyflakes_message_is_known():
    """A new kind must be looked at: does it only say that something is not used yet?"""
    kinds = {name for name, value in vars(messages).items() if isinstance(value, type)} - {"Message"}
    assert {kind for kind in kinds if "Unused" in kind or "MissingPlaceholders" in kind or "ImportStarUs" in kind} <= (
        UNFINISHED
    )
    assert kinds >= UNFINISHED - {"TStringMissingPlaceholders", "UnusedIndirectAssignment"}


def test_pyflakes_takes_no_builtins_from_the_linted_program():
    linter = get_linter("pyflakes")
    assert linter.check("from os import *\nprint(getcwd())\n") == []
    assert [d.code for d in linter.check("'%d %d' % (1,)\n")] == ["PercentFormatPositionalCountMismatch"]
    assert [d.code for d in linter.check("__all__ = ['a']\n")] == ["UndefinedExport"]


# ------------------------------------------------------------------------------------------ ruff


@needs_ruff
@pytest.mark.parametrize(
    "source",
    [
        "x = nowhere  # noqa\n",
        "x = nowhere  # NOQA: F821\n",
        "# ruff: noqa\nx = nowhere\n",
        "# ruff: noqa: F821\nx = nowhere\n",
        "# flake8: noqa\nx = nowhere\n",
        "# ruff: disable[F821]\nx = nowhere\n# ruff: enable[F821]\n",
    ],
)
def test_comments_do_not_silence_ruff(source, linters):
    assert [d.code for d in linters("ruff").check(source)] == ["F821"]


@needs_ruff
def test_ruff_reports_names_as_they_are_written(linters):
    assert linters("ruff").check("x = noqa + NOQA\n") == [
        Diagnostic("F821", "Undefined name `noqa`", 1),
        Diagnostic("F821", "Undefined name `NOQA`", 1),
    ]


@needs_ruff
def test_one_ruff_process_serves_many_states_and_is_replaced_when_it_dies(linters):
    linter = linters("ruff")
    linter.check("x = 1\n")
    first = linter._server._process.pid
    linter.check("x = 2\n")
    assert linter._server._process.pid == first
    os.kill(first, signal.SIGKILL)
    assert [d.code for d in linter.check("x = nowhere\n")] == ["F821"]
    assert linter._server._process.pid != first


@needs_ruff
def test_a_ruff_that_fails_is_a_tool_error(linters, monkeypatch):
    linter = get_linter("ruff")
    linter._program = "/bin/false"
    with pytest.raises(ToolError, match="died twice"):
        linter.check("x = 1\n")


@needs_ruff
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_worker_has_its_own_server(linters):
    linter = linters("ruff")
    linter.check("x = 1\n")
    child = os.fork()
    if not child:
        found = linter.check("a\nb\n")
        linter.close()
        os._exit(len(found))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert linter.check("x = 1\n") == []


@needs_ruff
def test_the_server_ends_with_the_process():
    code = """\
from lintseq.languages import get_linter
linter = get_linter("ruff")
linter.check("x = 1")
print(linter._server._process.pid)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


# ------------------------------------------------------------------------------------------ pylint

SOURCES = {
    "bad indentation": "def f():\n  return 1\n\n\nif f():\n    x = 1\nelse:\n      x = 2\n",
    "tabs": "def f():\n\treturn 1\n",
    "no super call": "class A:\n    def __init__(self):\n        self.a = 1\n\n\n"
    "class B(A):\n    def __init__(self):\n        self.x = 1\n",
    "no member": "class A:\n    def f(self):\n        return self.g()\n",
    "no return": "def f():\n    print(1)\n\n\nx = f()\n",
    "redefined": "def f():\n    return 1\n\n\ndef f():\n    return 2\n",
    "too many arguments": "def f(a):\n    return a\n\n\nf(1, 2)\nf()\n",
    "used before": "print(x)\nx = 1\n",
    "possibly used before": "import os\n\nif os.name:\n    x = 1\nprint(x)\n",
    "switched off": "x = nowhere  # pylint: disable=undefined-variable\ny = elsewhere\n",
    "skipped": "# pylint: skip-file\nx = nowhere\n",
    "unknown pragma": "# pylint: disable=no-such-thing\n# pylint: nonsense\nx = 1\n",
    "one-line suites": "for x in 1, 2: print(x); print(x)\nif x: print()\nelse: print(2)\n",
    "match": "def f(x):\n    match x:\n        case 1: return 2\n        case y:\n            return y\n",
    "match badly indented": "x = 1\nmatch x:\n  case 1:\n        print()\n",
    "elif chain": "x = 1\nif x == 1:\n    pass\nelif x == 2:\n    pass\nelif x == 3:\n    x = nowhere\n",
    "control characters": "x = '\x1b'\ny = '\u202e'\n",
    "slots": "class A:\n    __slots__ = ('a',)\n\n    def __init__(self):\n        self.b = 1\n",
    "not callable": "x = 1\nx()\nx[0]\nfor i in x:\n    pass\n",
    "format": "'%d %d' % (1,)\n'{} {}'.format(1)\n",
    "type comment": "x = []  # type: List[int]\ny = (1,  # type: ignore\n     2)\n",
    "relative import": "from . import a\nfrom .b import c\nprint(a, c)\n",
    "missing import": "import surely_not_installed\nfrom os import surely_not_there\n"
    "surely_not_installed.x()\nsurely_not_there()\n",
    "raising": "raise 1\n",
    "dataclass": "from dataclasses import dataclass\n\n@dataclass\nclass A:\n    x: int\n\n\nprint(A(1).x, A(1).y)\n",
    "form feed": "class A:\n    x = 1\n\x0c\nclass B:\n     y = 2\n",
    "crlf": "def f():\r\n    return nowhere\r\n",
}


@pytest.fixture(scope="module")
def stock_pylint(tmp_path_factory):
    """What pylint itself says of `SOURCES`, with imports resolved: {case: [(line, code, message)]}."""
    folder = tmp_path_factory.mktemp("stock")
    cases = {f"case_{number}.py": case for number, case in enumerate(SOURCES)}
    for name, case in cases.items():
        (folder / name).write_text(SOURCES[case], encoding="utf-8", newline="")
    options = [
        "--rcfile=/dev/null",
        "--disable=all",
        "--enable=E,F,W0311,W0231",
        "--output-format=json",
        "--persistent=n",
    ]
    command = [sys.executable, "-m", "pylint", *options, *cases]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    reported = {case: [] for case in SOURCES}
    for row in json.loads(done.stdout):
        reported[cases[Path(row["path"]).name]].append((row["line"], row["message-id"]))
    return reported


@needs_pylint
@pytest.mark.parametrize("case", SOURCES)
def test_the_warm_pylint_reports_what_pylint_reports(case, linters, stock_pylint):
    ours = [(d.line, d.code) for d in linters("pylint+imports").check(SOURCES[case])]
    assert sorted(ours) == sorted(stock_pylint[case])


@needs_pylint
def test_the_sources_are_worth_comparing(stock_pylint):
    codes = {code for reported in stock_pylint.values() for _, code in reported}
    assert len(codes) > 20
    assert {"W0311", "W0231", "E0401", "E0611", "E1101", "E0602"} <= codes


@needs_pylint
def test_without_imports_no_module_is_loaded(linters):
    source = """\
        import json
        import surely_not_installed
        from os import surely_not_there
        from . import sibling
        json.surely_not_there()
        surely_not_there(surely_not_installed, sibling)
        """
    assert linters("pylint").check(textwrap.dedent(source)) == []


@needs_pylint
@pytest.mark.parametrize("name", ["pylint", "pylint+imports"])
def test_a_state_leaves_no_trace_for_the_next(name, linters):
    linter = linters(name)
    asks = "def f():\n    return ValueError().code\n"
    before = linter.check(asks)
    assert [d.code for d in before] == ["E1101"]
    writes = "error = ValueError()\nerror.code = 1\nprint(error.code)\n"
    assert linter.check(writes) == []
    assert linter.check(asks) == before


@needs_pylint
def test_the_order_of_states_does_not_change_diagnostics(linters):
    linter = linters("pylint")
    forward = {case: linter.check(source) for case, source in SOURCES.items()}
    backward = {case: linter.check(SOURCES[case]) for case in reversed(SOURCES)}
    assert backward == forward


@needs_pylint
def test_no_tree_of_a_state_outlives_many_states(linters):
    """Keeping one tree, such as the last, is fine; keeping one more for each state is a leak."""

    def trees():
        gc.collect()
        found = [o for o in gc.get_objects() if type(o) is astroid.nodes.Module and o.name == "lintseq_state"]
        return len(found)

    linter = linters("pylint")
    for _ in range(3):
        for source in SOURCES.values():
            linter.check(source)
    assert trees() < 10


@needs_pylint
def test_pylint_leaves_the_process_as_it_was(linters, capfd):
    manager = astroid.MANAGER
    linter = linters("pylint+imports")
    manager.max_inferable_values = 77
    try:
        linter.check("x = nowhere\n")
        assert manager.max_inferable_values == 77
        assert not manager.always_load_extensions
    finally:
        manager.max_inferable_values = 100
    assert gc.isenabled()
    assert "lintseq_state" not in manager.astroid_cache
    linters("pylint").check("import json\n")
    call = astroid.extract_node("import json\njson.dumps({}) #@")
    assert next(call.func.infer()).qname() == "json.dumps"
    assert capfd.readouterr() == ("", "")


@needs_pylint
def test_pylint_goes_on_when_another_user_clears_the_caches_of_astroid(linters):
    linter = linters("pylint")
    expected = linter.check(SOURCES["no member"])
    astroid.MANAGER.clear_cache()
    assert linter.check(SOURCES["no member"]) == expected


@needs_pylint
def test_a_crash_of_pylint_is_a_tool_error_and_no_verdict(linters, monkeypatch, capfd):
    linter = linters("pylint")
    linter.check("x = 1\n")

    def crash(node):
        raise KeyError("inside a checker")

    linter._engine._walker.visit_events["name"].append(crash)
    with pytest.raises(ToolError, match="pylint failed on a state of 2 lines: KeyError"):
        linter.check("print(1)\n")
    assert capfd.readouterr() == ("", "")
    assert [d.code for d in linter.check("print(nowhere)\n")] == ["E0602"]


@needs_pylint
def test_a_state_too_deep_for_pylint_is_a_tool_error(linters):
    deep = "x = " + " + ".join(["1"] * 2000) + "\n"
    assert get_linter("compile").check(deep) == []
    with pytest.raises(ToolError, match="too deep"):
        linters("pylint").check(deep)
    assert linters("pylint").check("x = 1\n") == []


@needs_pylint
@settings(deadline=None, max_examples=60)
@given(
    source=st.recursive(
        st.just(["pass"]),
        lambda inner: st.tuples(
            st.sampled_from(["if x:", "for x in y:", "with x:", "def f():", "class A:", "while x:"]),
            st.sampled_from(["    ", "    ", "    ", "  ", "\t", "     "]),
            inner,
            st.sampled_from([[], ["x = 1; y = 2"], ["if x: pass"], ["x = (1,", "  2)"]]),
        ).map(lambda t: [t[0], *(t[1] + line for line in t[2]), *t[3]]),
        max_leaves=4,
    ).map(lambda lines: "\n".join(lines) + "\n")
)
def test_the_shortcut_for_indentation_agrees_with_pylint(linters, source):
    linter = linters("pylint")
    quick = linter.check(source)
    with mock.patch.object(our_pylint, "_is_indented_by_four", lambda *_: False):
        assert linter.check(source) == quick


# ------------------------------------------------------------------------------------------ other programs


def python(code):
    return f'command:{sys.executable} -c "{code}"'


def test_a_command_gets_the_state_as_a_file_or_on_its_standard_input():
    tells = "import sys; text = {}; print('out.py:2:1: E1 ' + text.strip())"
    by_file = get_linter(python(tells.format("open(sys.argv[1], newline='').read()")) + " {file}")
    by_input = get_linter(python(tells.format("sys.stdin.read()")))
    assert by_file.check("héllo\n\n") == by_input.check("héllo\n\n") == [Diagnostic("E1", "héllo", 2)]


def test_a_command_may_come_with_its_own_pattern():
    linter = get_linter(python("print('2 | bad'); print('99 | far')") + r" => ^(?P<line>\d+) \| (?P<message>.*)$")
    assert linter.check("a\nb\n") == [Diagnostic("", "bad", 2), Diagnostic("", "far", 2)]


def test_the_path_of_the_file_is_no_part_of_a_message():
    linter = get_linter(python("import sys; print('x:1: see ' + sys.argv[1])") + " {file}")
    assert linter.check("a\n") == [Diagnostic("", "see {file}", 1)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("import sys; sys.exit(3)", "status 3"),
        ("raise OSError(5)", "OSError: 5"),
    ],
)
def test_a_command_that_fails_is_a_tool_error(code, reason):
    with pytest.raises(ToolError, match=reason):
        get_linter(python(code)).check("x = 1\n")


def test_a_command_that_hangs_is_a_tool_error():
    with pytest.raises(ToolError, match=r"within 0\.2 s"):
        CommandLinter(python("import time; time.sleep(60)").removeprefix("command:"), timeout=0.2).check("x\n")


def test_a_command_without_output_and_with_status_0_finds_nothing():
    assert get_linter(python("pass")).check("x\n") == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pylnt", "unknown linter 'pylnt'; use one of compile, pyflakes, ruff, pylint, pylint.imports, 'command:"),
        ("native", "'native' is a walk that runs no linter"),
        ("none", "'none' is a walk that runs no linter"),
        ("command:", "empty"),
        ("command:surely-no-such-program {file}", "cannot find"),
        ("command:'open", "into words"),
        (f"command:{sys.executable} => (", "regular expression"),
        (f"command:{sys.executable} => x", "no group"),
        ("surely_no_such_module:x", "cannot import"),
        ("json:surely_not_there", "cannot import"),
        ("json:dumps", "calling"),
        ("json:JSONDecoder", "no method check"),
    ],
)
def test_an_unavailable_linter_is_a_config_error(name, reason):
    with pytest.raises(ConfigError, match=reason):
        get_linter(name)


@pytest.mark.parametrize("name", [pytest.param("pylint", marks=needs_pylint), "pyflakes"])
def test_a_missing_package_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"lintseq.linting.{name}", raising=False)
    for module in [module for module in sys.modules if module.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ConfigError, match=f"needs {name}: pip install"):
        get_linter(name)


def test_an_object_of_a_module_in_the_working_directory_is_a_linter(tmp_path, monkeypatch):
    (tmp_path / "mine_to_lint.py").write_text(
        "class Linter:\n    def check(self, source):\n        return [source]\n\nready = Linter()\n\n"
        "def make():\n    return ready\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    for path in ("Linter", "ready", "make"):
        assert get_linter(f"mine_to_lint:{path}").check("x") == ["x"]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_version_names_what_the_diagnostics_depend_on(name):
    version = linter_version(name)
    assert f"python {sys.version_info[0]}.{sys.version_info[1]}" in version
    assert name == "compile" or version.startswith(f"{name} ")
    assert name in get_language().linters


THREADS = """
import sys, threading
from lintseq.languages import get_linter
from lintseq.languages.python.syntax import parse
from lintseq.sandbox.tampering import signs_of_tampering

sys.setswitchinterval(1e-5)
program = "\\n".join(f"def f{n}(x):\\n    return [x for y in range(10) if (y, (1, [2, {{3}}]))]" for n in range(20))
failures = []

class Cycle:
    def __del__(self):  # runs while the trees of a program are made, and lets other threads run
        for _ in range(200):
            pass

def work():
    try:
        for _ in range(40):
            cycle = Cycle()
            cycle.own = cycle
            del cycle
            assert parse(program).body and not signs_of_tampering(program)
            assert not get_linter("pyflakes").check(program)
    except BaseException as error:
        failures.append(error)

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures)
"""


def test_programs_are_parsed_in_several_threads():
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
