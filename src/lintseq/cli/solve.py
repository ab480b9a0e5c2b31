"""`lintseq solve`: a program that a model writes, shown as it grows.

Owns what is on the screen while tokens come in. How a state is drawn is `sample`'s.
"""

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import plural
from lintseq.cli.models import (
    BackendName,
    Device,
    DrawSeed,
    Dtype,
    GiveUp,
    JudgeName,
    Linted,
    MaxTokens,
    Model,
    StopAfter,
    Tries,
    Url,
)
from lintseq.cli.sample import console, print_line, printable, show_state
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from lintseq.codecs import Codec
    from lintseq.lm.backends.backend import Generated, Request
    from lintseq.program import Program

_ROOM_BELOW = 4
"""Lines of the screen that are not the program's."""


def solve(
    instruction: Annotated[str, typer.Argument(metavar="INSTRUCTION", help="What the program is to do; - reads it.")],
    model: Model,
    *,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="The program as it stands, for the model to go on with."),
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, metavar="T", help="0 takes the likeliest token.")] = 0.8,
    top_p: Annotated[float, typer.Option("--top-p", metavar="P", help="Draw among tokens of so much in all.")] = 0.95,
    max_tokens: MaxTokens = 512,
    seed: DrawSeed = 0,
    prompts: Annotated[
        str | None, typer.Option(metavar="STYLE", help="edits or messages. [default: as the model's recipe has it]")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="How edits are written. [default: as the recipe has it, or diff]"),
    ] = None,
    linted: Linted = False,
    tries: Tries = 8,
    linter: JudgeName = "pyflakes",
    give_up: GiveUp = "keep",
    stop_after_edits: StopAfter = None,
    backend: BackendName = "transformers",
    url: Url = None,
    device: Device = None,
    dtype: Dtype = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where the program goes, besides.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print program, edit text and cost as JSON instead.")] = False,
) -> None:
    """Let a model write a program, and show it grow, edit by edit.

    On a terminal the program is drawn while its tokens come in; elsewhere each state is printed. New lines are
    marked +. With --linted, edits that are no good are drawn again, and how many is told.

    Example: lintseq solve "Write a function that merges two sorted lists." --model runs/edits --linted
    """
    from lintseq.cli.sample import read_source
    from lintseq.codecs import get_codec
    from lintseq.lm import generating as plan
    from lintseq.lm.backends import open_backend
    from lintseq.lm.backends.backend import Sampling
    from lintseq.lm.linted import EditOptions, watches
    from lintseq.program import Program

    sampling = Sampling(temperature, top_p, max_tokens=max_tokens, min_tokens=min(8, max_tokens))
    arm = plan.arm_of(model)
    style = prompts or arm.prompts or "edits"
    if style not in ("edits", "messages"):
        raise ConfigError(
            f"prompts of the style {style} do not lead to edits, which solve shows; use edits or messages"
        )
    form = format or (arm.format if style == arm.prompts and arm.format not in (None, "code") else "diff")
    assert form is not None
    edits = EditOptions(linted, tries, linter, give_up, stop_after_edits, form)  # type: ignore[arg-type]
    state = Program(()) if start is None else Program.from_text(read_source(str(start)))
    if instruction == "-":
        instruction = sys.stdin.read().removesuffix("\n")
    watching = watches(edits, sampling)
    opened = open_backend(
        backend, model, url=url, key=os.environ.get("OPENAI_API_KEY"), device=device, dtype=dtype, batch=1
    )
    request = plan.request_of(instruction, style, state, seed=seed)
    codec = get_codec(form)
    with Stage(codec, state, console(), shown=not json) as stage:
        (done,) = opened.generate([request], sampling, watches=watching, listener=stage)
    program = stage.finish(done)
    if output is not None:
        output.write_bytes(program.text.encode("utf-8", "surrogateescape"))
    if json:
        told = {"program": program.text, "completion": done.text, "finish_reason": done.finish, **done.more}
        typer.echo(dumps({**told, "completion_tokens": done.completion_tokens, "flops": done.flops}))
    for warning in opened.warnings():
        typer.echo(f"lintseq: {warning}", err=True)


@dataclass
class Stage:
    """Shows a program while its edit text comes in, the edit that is being written as new."""

    codec: "Codec"
    start: "Program"
    to: "Console"
    shown: bool = True
    _stop: Callable[[], None] = field(default=lambda: None)
    _draw: Callable[[list[str]], None] = field(default=lambda lines: None)

    def __enter__(self) -> "Stage":
        if self.shown and self.to.is_terminal:
            from rich.live import Live
            from rich.text import Text

            live = Live(console=self.to, auto_refresh=False, transient=True)
            live.start()
            self._stop = live.stop
            self._draw = lambda lines: live.update(Text.from_ansi("\n".join(lines)), refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def __call__(self, request: "Request", text: str) -> None:
        """Draw the program as it stands, on a terminal."""
        if not (self.shown and self.to.is_terminal):
            return
        from rich.console import Console

        # Drawn on paper first: what is printed to a console that has a picture goes above it.
        paper = Console(
            file=io.StringIO(), force_terminal=True, color_system=self.to.color_system,  # type: ignore[arg-type]
            width=self.to.width, highlight=False, markup=False,
        )  # fmt: skip
        edits = split(text)
        with paper.capture() as capture:
            show_edit_of(self.codec, self.start, edits, len(edits), paper)
        lines = capture.get().removesuffix("\n").split("\n")
        room = max(self.to.size.height - _ROOM_BELOW, 3)
        self._draw(lines if len(lines) <= room else [lines[0], *lines[1 - room :]])

    def finish(self, done: "Generated") -> "Program":
        """Show all states, and return the program."""
        edits = split(done.text)
        resolution = self.codec.resolve(done.text, self.start)
        if not self.shown:
            return resolution.program
        for number in range(1, len(edits) + 1):
            show_edit_of(self.codec, self.start, edits, number, self.to)
            print_line(self.to)
        told = [plural(done.completion_tokens or 0, "token")]
        told += [f"{count} {reason} edits drawn again" for reason, count in done.more.get("rejected", {}).items()]
        told += ["over because there was no room for more"] if done.finish == "length" else []
        print_line(self.to, (", ".join(told), "dim"))
        for note in resolution.notes:
            print_line(self.to, (printable(str(note)), "yellow"))
        if resolution.notes and not resolution.edits_applied:
            print_line(
                self.to, ("none of this is an edit; `lintseq finetune` teaches a model to write them", "yellow")
            )
        return resolution.program


def split(text: str) -> list[str]:
    """Return the edits of a text that may still be growing."""
    from lintseq.codecs import SEPARATOR, split_edits
    from lintseq.codecs.text import end_without_tokens

    text = text[: end_without_tokens(text)]
    return [edit for edit in split_edits(text.removesuffix("\n" + SEPARATOR)) if edit]


def show_edit_of(codec: "Codec", start: "Program", edits: list[str], number: int, to: "Console") -> None:
    """Print an edit, from 1, with the program as it stands after it."""
    from lintseq.codecs import join_edits
    from lintseq.codecs.locate import align

    before = list(
        codec.resolve(join_edits(edits[: max(number - 1, 0)]), start).program.lines if number > 1 else start.lines
    )
    after = list(codec.resolve(join_edits(edits[:number]), start).program.lines) if number else before
    new = set(range(len(after))) - set(align(before, after))
    print_line(to, (f"edit {number}:", "bold cyan"), (f" +{plural(len(new), 'line')}", "cyan"))
    show_state(after, new, to, width=len(str(len(after))))
