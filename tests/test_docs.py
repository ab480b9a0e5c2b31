"""The words around the code are true: what they show runs and gives what they say.

`tests/pages.py` runs what pages show. `python tests/test_docs.py` writes `docs/cli.md` and what the blocks print as
they are now.
"""

import ast
import inspect
import re
import runpy
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

import pytest
import recipe_keys
import typer
from pages import DOCS, PAGES, ROOT, blocks_of, rewrite, run_page
from typer.models import ArgumentInfo

from lintseq.cli import COMMANDS, load_command
from lintseq.codecs.text import END_TOKENS
from lintseq.dataset.shapes import SHAPES
from lintseq.languages import get_language
from lintseq.rows.fields import COLUMN_NAMES
from lintseq.walks import COMMENTS, ORDERS

SOURCE = ROOT / "src" / "lintseq"
CLI = DOCS / "cli.md"
MARKDOWN = sorted(
    path
    for folder in (".", "docs", "benchmarks", "examples", "studies/pairs")
    for path in (ROOT / folder).resolve().glob("*.md")
)

# What pages show


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_runs_and_prints_what_the_page_says(page, tmp_path):
    for output in run_page(page.read_text(encoding="utf-8"), tmp_path):
        expected, printed = "\n".join(output.expected), "\n".join(output.printed)
        assert output.ok, f"{page.name}, line {output.start + 1}: {output.what} prints\n{printed}\nand not\n{expected}"


def test_a_page_that_says_something_else_is_found_out(tmp_path):
    text = "```python\nprint(1)\nprint(2)\n```\n\n```text\n1\n3\n```\n\n```console\n$ echo a b c\na ... c\n```\n"
    python, console = run_page(text, tmp_path)
    assert not python.ok
    assert console.ok


def test_the_picture_of_a_walk_between_versions_is_current():
    drawn = runpy.run_path(str(DOCS / "images" / "versions.py"))["picture_of_example"]()
    message = "out of date; run `python docs/images/versions.py`"
    assert (DOCS / "images" / "versions.svg").read_text(encoding="utf-8") == drawn, message


# The command line's page


def commands() -> dict[str, Callable[..., None]]:
    """Return the functions behind the commands; their signatures hold what they take."""
    functions: dict[str, Callable[..., None]] = {}
    for name in (name for panel in COMMANDS.values() for name in panel):
        command = getattr(import_module(f"lintseq.cli.{name}"), name)
        if isinstance(command, typer.Typer):
            if command.registered_callback and command.registered_callback.callback:
                functions[name] = command.registered_callback.callback
            callbacks = [registered.callback for registered in command.registered_commands if registered.callback]
            functions |= {f"{name} {callback.__name__}": callback for callback in callbacks}
        else:
            functions[name] = command
    return functions


def command_line() -> str:
    """Return `docs/cli.md`, made of what the commands say of themselves."""
    helps = {name: inspect.getdoc(function) or "" for name, function in commands().items()}
    index = [
        f"| [`lintseq {name}`](#lintseq-{name.replace(' ', '-')}) | {first_sentence(text)} |"
        for name, text in helps.items()
    ]
    page = [
        "# The command line",
        "Made from the commands' own help by `python tests/test_docs.py`. `lintseq --help` and\n"
        "`lintseq COMMAND --help` say the same in the terminal, `lintseq --version` says which lintseq it is,\n"
        "and `python -m lintseq` is the same as `lintseq`.",
        "\n".join(["| command | what it does |", "|---|---|", *index]),
        "Results go to standard output, progress and notes to standard error. A failure is one line: what was done,\n"
        "with which value, and what helps. `lintseq --install-completion` lets the shell complete commands and names.",
        "\n".join(
            [
                "| exit status | |",
                "|---|---|",
                "| 0 | done |",
                "| 1 | done, but something failed or was found, or nothing came out |",
                "| 2 | wrong usage, or a setting that cannot work: nothing was done |",
                "| 130 | stopped by Ctrl-C |",
                "| 141 | whoever read the output stopped reading, such as `head` |",
            ]
        ),
    ]
    for name, function in commands().items():
        prose, _, example = helps[name].partition("Example: ")
        found = inspect.signature(function).parameters.values()
        params = [Param.of(param) for param in found if param.annotation is not typer.Context]
        usage = ["lintseq", name, *(param.usage for param in params if param.usage), "[OPTIONS]"]
        page += [
            f"## lintseq {name}",
            prose.strip(),
            f"```text\n{' '.join(usage)}\n```",
            *tables(params),
            f"```bash\n{example.strip()}\n```",
        ]
    return "\n\n".join(page) + "\n"


def tables(params: Sequence["Param"]) -> Iterator[str]:
    """Yield a table of the parameters of each help panel."""
    panels: dict[str, list[str]] = {}
    for param in params:
        panels.setdefault(param.panel, []).append(param.row)
    for panel, rows in panels.items():
        yield "\n".join([f"| {panel} | meaning | default |", "|---|---|---|", *rows])


def first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


@dataclass(frozen=True, slots=True)
class Param:
    """An argument or an option of a command."""

    names: tuple[str, ...]
    """An argument has none."""
    metavar: str
    help: str
    default: str
    panel: str

    @classmethod
    def of(cls, param: inspect.Parameter) -> Self:
        kind, info = get_args(param.annotation)
        flag = kind is bool
        required = param.default is inspect.Parameter.empty
        text, _, found = str(info.help).removesuffix("]").partition(" [default: ")
        default = found or ("required" if required else "" if param.default is None or flag else f"`{param.default}`")
        if isinstance(info, ArgumentInfo):
            return cls((), f"{info.metavar}{'...' if kind == list[str] else ''}", text, default, "Arguments")
        # Typer takes the first name given in an annotation for a default.
        names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
        names = names or [f"--{param.name.replace('_', '-')}"]
        panel = info.rich_help_panel or "Options"
        return cls(tuple(names), "" if flag else info.metavar or metavar_of(kind), text, default, panel)

    @property
    def usage(self) -> str:
        """The part of the usage line: arguments, and options that have to be given."""
        return " ".join([*self.names[:1], self.metavar]) if not self.names or self.default == "required" else ""

    @property
    def row(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.names)
        value = f"`{self.metavar}`".replace("|", "\\|") if self.metavar else ""
        return f"| {' '.join(filter(None, (names, value)))} | {self.help} | {self.default} |"


def metavar_of(kind: Any) -> str:
    plain = next((alternative for alternative in get_args(kind) if alternative is not type(None)), kind)
    if get_origin(kind) is Literal or get_origin(plain) is Literal:
        return "|".join(get_args(kind if get_origin(kind) is Literal else plain))
    if issubclass(plain, Enum):
        return "|".join(choice.value for choice in plain)
    return {int: "N", float: "X", str: "NAME", Path: "FILE"}[plain]


def test_the_page_of_the_command_line_is_current():
    assert CLI.read_text(encoding="utf-8") == command_line(), "out of date; run `python tests/test_docs.py`"


def test_every_command_ends_its_help_in_an_example():
    for name, function in commands().items():
        example = (inspect.getdoc(function) or "").partition("\n\nExample: ")[2]
        assert f"lintseq {name}" in example, name


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words after `lintseq` in the commands of a page, or of the comments of a recipe or study."""
    if "\n```" in text:
        blocks = [block for block in blocks_of(text) if block.language in ("bash", "console", "shell")]
        lines = [
            line for block in blocks for line in block.lines if block.language != "console" or line.startswith("$ ")
        ]
    else:
        lines = [line.removeprefix("#").strip() for line in text.split("\n") if line.startswith("#     ")]
    for line in "\n".join(lines).replace("\\\n", " ").split("\n"):
        if "lintseq " not in line:
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        for index, word in enumerate(words):
            if word == "lintseq" and words[index + 1 : index + 2] and words[index + 1] in LISTED:
                yield list(takewhile(lambda word: not set(word) <= set("|&;<>"), words[index + 1 :]))


LISTED = [name for panel in COMMANDS.values() for name in panel]
SHOWN = sorted(
    {
        shlex.join(words)
        for path in [*MARKDOWN, *ROOT.glob("recipes/*/*.toml"), *ROOT.glob("studies/*.toml")]
        for words in commands_in(path.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("shown", SHOWN)
def test_a_command_that_a_page_shows_has_the_options_that_it_names(shown):
    name, *words = shlex.split(shown)
    command = load_command(name)
    with command.make_context(name, list(words)) as context:
        if hasattr(command, "resolve_command") and words:
            _, subcommand, rest = command.resolve_command(context, list(words))
            subcommand.make_context(name, rest, parent=context)


def test_pages_show_commands():
    assert len(SHOWN) > 100
    assert {shlex.split(shown)[0] for shown in SHOWN} == set(LISTED)


# Links and lists


def links_of(text: str) -> list[str]:
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", outside) if not re.match(r"[a-z]+:", target)]


def anchors_of(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them; the second of the same text ends in -1."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    counts = [slugs[:index].count(slug) for index, slug in enumerate(slugs)]
    return {f"{slug}-{count}" if count else slug for slug, count in zip(slugs, counts, strict=True)}


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    for link in links_of(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in anchors_of(target.read_text(encoding="utf-8")), f"{page.name} links to {link}"


def test_every_page_is_linked_from_the_readme():
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links_of((ROOT / "README.md").read_text())}
    assert set(DOCS.glob("*.md")) <= linked


def test_the_functions_that_the_architecture_names_are_where_it_says():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w.]+)` \(`([\w/]+\.py)`\)", text)
    assert len(named) > 15
    for name, path in named:
        source, member = (SOURCE / path).read_text(encoding="utf-8"), name.split(".")[-1]
        assert re.search(rf"(?m)^ *(?:def|class) {member}\b", source), f"there is no {name} in {path}"


def reasons_of_rejections() -> set[str]:
    """Return every reason for which a row of an input is rejected; those of training are in `docs/finetuning.md`."""
    reasons = set[str]()
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(SOURCE / "lm"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ProgramError" and node.args:
                first = node.args[0]
                reasons |= {first.value} if isinstance(first, ast.Constant) else set()
    for name, pattern in (
        ("dataset/transform.py", r'reason, detail = "([a-z-]+)"'),
        ("storage/pool.py", r'reason, detail = "([a-z-]+)"'),
        ("dataset/sampler.py", r'dropped\["([a-z-]+)"\]'),
        ("dataset/duplicates.py", r'return "([a-z-]+)" if self.exact'),
        ("dataset/duplicates.py", r'if self.exact else "([a-z-]+)"'),
    ):
        found = set(re.findall(pattern, (SOURCE / name).read_text()))
        assert found, f"{name} says nothing like {pattern}"
        reasons |= found
    return reasons


def reasons_of_notes() -> set[str]:
    """Return every reason of a note in the table in the docstring of the format `diff`."""
    text = ast.get_docstring(ast.parse((SOURCE / "codecs" / "diff.py").read_text(encoding="utf-8")))
    assert text is not None
    text = text.partition("In model output")[2]
    table = [line[4:] for line in text.split("\n") if re.match(r" {4}\S", line)]
    named = [line if re.fullmatch(r"[a-z, -]+row", line) else line[:17] for line in table]
    return {word for names in named for word in re.findall(r"[a-z-]+", names)}


def first_column(text: str, heading: str) -> set[str]:
    """Return the words in code marks in the first column of the table under a heading."""
    section = text.partition(f"# {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\|([^|]+)\|", section, re.M)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_the_tables_of_the_data_format_are_complete():
    text = (DOCS / "data-format.md").read_text(encoding="utf-8")
    assert first_column(text, "Reasons") == reasons_of_rejections()
    assert first_column(text, "What is repaired or ignored") == reasons_of_notes()
    assert first_column(text, "Shapes") == set(SHAPES)
    for names in (*(COLUMN_NAMES[kind] for kind in ("instruction", "code", "id")), END_TOKENS):
        assert ", ".join(f"`{name}`" for name in names) in " ".join(text.split())


def test_the_evidence_for_settings_is_what_the_studies_report():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2:4] for line in text.partition("# Evidence\n")[2].split("\n") if line.startswith("| ")][
        1:
    ]
    for column, study in enumerate(("format-sweep", "smollm2-cpu")):
        report = (DOCS / "results" / study / "report.md").read_text(encoding="utf-8")
        scores = re.search(r"^\| pass@1 \|(.*)", report.rpartition("### pass@k\n")[2], re.M)[1].split("|")
        cells = {row[column].strip() for row in rows} - {""}
        assert len(cells) >= 5
        assert cells <= {score.strip() for score in scores}


def test_every_linter_and_option_of_the_walk_is_described():
    text = (DOCS / "linters.md").read_text(encoding="utf-8")
    assert {"native", "none", *get_language().linters} <= first_column(text, "Names")
    text = (DOCS / "how-it-works.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in (*ORDERS, *COMMENTS))


if __name__ == "__main__":
    CLI.write_text(command_line(), encoding="utf-8")
    recipe_keys.write()
    for page in PAGES:
        rewrite(page)
