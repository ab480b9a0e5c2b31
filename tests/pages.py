"""Pages that show what programs print: running their blocks, in any environment that has lintseq.

In a page,

- a block of `python` runs, after those above it on the page; where it prints something, the next block on
  the page is what it prints;
- a block of `console` holds commands, each after `$ `, and what they print; `...` matches anything;
- a block of `shell` holds commands, and not what they print.

All of it runs in a folder that holds what `lintseq recipes copy examples` copies. Blocks in other languages are not
run.

    python tests/pages.py [--until HEADING] [PAGE ...]

runs pages with the Python that it is started with, which needs lintseq only. What needs an extra that is not installed
is left out, with the rest of its page.
"""

import argparse
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lintseq

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    DOCS / "how-it-works.md",
    DOCS / "versions.md",
    DOCS / "data-format.md",
    DOCS / "linters.md",
    DOCS / "evaluate.md",
    DOCS / "studies.md",
    DOCS / "looking.md",
    DOCS / "formats.md",
    DOCS / "on-a-cluster.md",
    DOCS / "integrations.md",
    DOCS / "pretraining.md",
    DOCS / "finetuning.md",
    ROOT / "examples" / "README.md",
]

# Blocks


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its lines, and the index of the first of them in the page."""

    language: str
    lines: tuple[str, ...]
    start: int


def blocks_of(text: str) -> list[Block]:
    blocks = []
    language: str | None = None
    start = 0
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if language is None and line.startswith("```"):
            language, start = line.removeprefix("```"), number + 1
        elif language is not None and line == "```":
            blocks.append(Block(language, tuple(lines[start:number]), start))
            language = None
    assert language is None, f"the block that starts at line {start} does not end"
    return blocks


@dataclass(frozen=True, slots=True)
class PageOutput:
    """Lines `start` to `end` of a page, which say what a block prints, and what the block prints in fact."""

    start: int
    end: int
    expected: tuple[str, ...]
    printed: tuple[str, ...]
    what: str

    @property
    def ok(self) -> bool:
        pattern = "\n".join(".*?".join(map(re.escape, line.rstrip().split("..."))) for line in self.expected)
        return re.fullmatch(pattern, "\n".join(self.printed), re.S) is not None


def run_page(text: str, folder: Path) -> Iterator[PageOutput]:
    """Run the blocks of a page in `folder`, and yield what they print and what the page says they print."""
    lintseq.copy_bundled("examples", str(folder))
    names: dict[str, Any] = {"__name__": "__page__"}
    blocks = blocks_of(text)
    for number, block in enumerate(blocks):
        if block.language == "python":
            printed = run_python(block, names, folder)
            if printed:
                following = blocks[number + 1]
                end = following.start + len(following.lines)
                yield PageOutput(following.start, end, following.lines, printed, f"the Python at line {block.start}")
        elif block.language == "console":
            yield from run_console(block, folder)
        elif block.language == "shell":
            for command in block.lines:
                run_command(command, folder)


def run_python(block: Block, names: dict[str, Any], folder: Path) -> tuple[str, ...]:
    out = io.StringIO()
    code = compile("\n" * block.start + "\n".join(block.lines), "<page>", "exec", dont_inherit=True)
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        exec(code, names)
    return lines_of(out.getvalue())


def run_console(block: Block, folder: Path) -> Iterator[PageOutput]:
    assert block.lines[0].startswith("$ "), f"line {block.start + 1}: a console block starts with a command"
    starts = [number for number, line in enumerate(block.lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        command = block.lines[start].removeprefix("$ ")
        expected = block.lines[start + 1 : end]
        yield PageOutput(
            block.start + start + 1, block.start + end, expected, run_command(command, folder), f"`{command}`"
        )


def run_command(command: str, folder: Path) -> tuple[str, ...]:
    done = subprocess.run(
        [
            "bash",
            "-e",
            "-o",
            "pipefail",
            "-c",
            f'lintseq() {{ {shlex.quote(sys.executable)} -m lintseq "$@"; }}\n{command}',
        ],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"`{command}` exits with status {done.returncode}:\n{done.stdout}"
    return lines_of(done.stdout)


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in text.rstrip("\n").split("\n")) if text else ()


def rewrite(page: Path) -> None:
    """Write what the blocks of a page print into the page, where it says something else."""
    text = page.read_text(encoding="utf-8")
    lines = text.split("\n")
    with tempfile.TemporaryDirectory() as folder:
        wrong = [output for output in run_page(text, Path(folder)) if not output.ok]
    for output in reversed(wrong):
        lines[output.start : output.end] = output.printed
        print(f"{page.name}, line {output.start + 1}: {output.what} prints something else now")
    page.write_text("\n".join(lines), encoding="utf-8")


def try_page(page: Path, until: str = "") -> tuple[bool, str]:
    """Run a page up to a heading; return whether it prints what it says, and a line that says what was run."""
    text = page.read_text(encoding="utf-8").partition(f"\n## {until}\n" if until else "\0")[0]
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            for output in run_page(text, Path(folder)):
                if not output.ok:
                    printed = "\n".join(output.printed)
                    return False, f"line {output.start + 1}: {output.what} prints something else:\n{printed}"
                count += 1
        except Exception as error:
            extra = re.search(r"pip install 'lintseq\[\w+\]'|No module named '\w+'", str(error))
            return bool(extra), f"{count} outputs; the rest is left out: {extra[0]}" if extra else repr(error)
    return True, f"{count} outputs"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run what pages show, and compare it with what they say.")
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES, help="default: all")
    parser.add_argument("--until", default="", help="heading at which to stop")
    options = parser.parse_args()
    print(f"lintseq of {Path(lintseq.__file__).parent}")
    failed = False
    for page in options.pages:
        ok, message = try_page(page, options.until)
        failed |= not ok
        print(f"{page.name}: {'' if ok else 'FAILED, '}{message}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
