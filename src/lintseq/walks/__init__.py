"""Walk a program backward to nothing, one clean state at a time.

Owns the choice of lines, the three ways to work out what must go with one (the program's needs, a linter
as a black box, nothing at all) and certification. Knows nothing of how edits are written down.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_128
from struct import unpack
from typing import Protocol, Self

from lintseq.edits import EditSequence
from lintseq.errors import ConfigError
from lintseq.languages.python import FREE, STAYS, Analysis, analyze
from lintseq.linting import Diagnostic, Linter, findings, new_diagnostics
from lintseq.linting import get_linter as load_linter
from lintseq.linting.syntax import CompileLinter
from lintseq.program import Program

COMMENTS = ("attach", "first")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How edit sequences are drawn."""

    linter: str = "native"
    """What says which lines go together: `native` (our analysis), `none` (nothing: the paper's RandSeq), or any
    linter as a black box, by name or as `module:object`."""
    order: str = "uniform"
    """Which line goes next: any living line of code (`uniform`, the paper), sooner the deeper (`indent`, its code),
    or the last one (`forward`), so that the program grows from its top to its bottom, and all draws are equal."""
    comments: str = "attach"
    """Comments and blank lines go with the code they talk about (`attach`), or come `first` of all."""
    certify: str | None = None
    """A second linter that has to find every state clean."""


DEFAULTS = SamplingOptions()

_COMPILE = CompileLinter()

get_linter = cache(load_linter)
"""One linter of a name serves all programs of a process: some take a second to warm up."""


@cache
def check_options(options: SamplingOptions) -> None:
    """Raise `ConfigError` if `options` cannot work; loads the linters that they name."""
    if options.order not in CHOOSERS:
        raise ConfigError(f"unknown order {options.order!r}; use one of {', '.join(CHOOSERS)}")
    if options.order != "uniform" and options.linter == "none":
        raise ConfigError(f"linter none takes lines in any order, not in order {options.order!r}")
    if options.comments not in COMMENTS:
        raise ConfigError(f"unknown comments {options.comments!r}; use one of {', '.join(COMMENTS)}")
    if options.linter not in ("native", "none"):
        get_linter(options.linter)
    if options.certify is not None:
        if options.linter != "native":
            raise ConfigError(f"only native sequences are certified, not those of linter {options.linter!r}")
        get_linter(options.certify)


class Draw:
    """The randomness of one draw: a stream of numbers that hash (seed, id, draw)."""

    def __init__(self, seed: int, id: str | int, draw: int) -> None:
        self._hash = shake_128(f"{seed}\0{id}\0{draw}".encode(errors="surrogatepass"))

    def numbers(self, count: int) -> Sequence[int]:
        """Return the first `count` numbers of the stream, uniform in 0 .. 2**64 - 1."""
        numbers: Sequence[int] = unpack(f"<{count}Q", self._hash.digest(8 * count))
        return numbers


class Walk(Protocol):
    """One way to take a program apart."""

    def sequence(self, draw: Draw) -> EditSequence:
        """Walk the program backward to nothing; return the edits that undo the steps."""


class ProgramSampler:
    """The analysis of one program, shared by all its draws.

    Raises `ProgramError` if the program cannot be used and `ConfigError` if the options cannot.
    """

    def __init__(self, source: str | Program, options: SamplingOptions = DEFAULTS) -> None:
        check_options(options)
        self.program = source if isinstance(source, Program) else Program.from_text(source)
        self.options = options
        analysis = analyze(self.program)
        chooser = CHOOSERS[options.order](self.program)
        together = Together.of(analysis, options.comments)
        self._walk: Walk
        if options.linter == "none":
            self._walk = RandomChunks(self.program)
        elif options.linter != "native":
            self._walk = BlackBoxWalk(self.program, together, chooser, get_linter(options.linter))
        elif options.certify is not None:
            self._walk = CertifiedWalk(self.program, analysis, together, chooser, get_linter(options.certify))
        else:
            self._walk = NativeWalk(self.program, analysis, together, chooser)

    @property
    def lessons(self) -> int:
        """How many states of the draws so far the certifying linter had to correct."""
        return self._walk.lessons if isinstance(self._walk, CertifiedWalk) else 0

    def sample(self, *, seed: int = 0, id: str | int = "", draw: int = 0) -> EditSequence:
        """Return one edit sequence; its randomness is a hash of (seed, id, draw)."""
        return self._walk.sequence(Draw(seed, id, draw))


def sample_edits(
    source: str | Program,
    *,
    seed: int = 0,
    linter: str = "native",
    order: str = "uniform",
    comments: str = "attach",
    certify: str | None = None,
) -> EditSequence:
    """Return one random way to write a program, edit by edit, each leaving it clean.

    >>> len(sample_edits("import math\\nprint(math.pi)\\n"))
    2
    """
    options = SamplingOptions(linter, order, comments, certify)
    return ProgramSampler(source, options).sample(seed=seed)


# Which line is chosen


class Chooser(Protocol):
    """Orders lines so that taking the next living one is the choice among the living."""

    def order(self, lines: Sequence[int], draw: Draw) -> list[int]:
        """Return the places of `lines` in the order in which they are to be tried."""


class Uniform:
    """Any living line is as likely: lines in any order, of which the dead are passed over."""

    def __init__(self, program: Program) -> None:
        pass

    def order(self, lines: Sequence[int], draw: Draw) -> list[int]:
        return sorted(range(len(lines)), key=draw.numbers(len(lines)).__getitem__)


class ByIndent:
    """The published code's choice: a line's weight is 1 at the margin, its indent in tabs elsewhere.

    Each line draws an exponential waiting time of rate its weight, and lines go by that. Whatever has died
    meanwhile, the rest is still in the order of a fresh weighted draw: exponential times have no memory.
    """

    def __init__(self, program: Program) -> None:
        self.weights = indent_weights(program)

    def order(self, lines: Sequence[int], draw: Draw) -> list[int]:
        numbers = draw.numbers(len(lines))
        weights = [self.weights[line] for line in lines]
        times = [-math.log((number + 1) / 2**64) / weight for number, weight in zip(numbers, weights, strict=True)]
        return sorted(range(len(lines)), key=times.__getitem__)


class Forward:
    """The last living line goes, so that the program grows from its top to its bottom."""

    def __init__(self, program: Program) -> None:
        pass

    def order(self, lines: Sequence[int], draw: Draw) -> list[int]:
        return sorted(range(len(lines)), key=lines.__getitem__, reverse=True)


CHOOSERS: dict[str, Callable[[Program], Chooser]] = {"uniform": Uniform, "indent": ByIndent, "forward": Forward}
"""By the order that they are named by."""


def indent_weights(program: Program) -> list[float]:
    """Return the published code's weight of each line: 1 at the margin, its indent in tabs elsewhere."""
    width = 0
    weights = []
    for line in program.lines:
        indent = len(line) - len(line.lstrip()) if len(line.lstrip()) > 1 else 0
        width = width or indent
        weights.append(indent / width if indent else 1.0)
    return weights


@dataclass(frozen=True, slots=True)
class Together:
    """What goes with what, beyond the needs: `owner_of[line]` is the unit a line goes with, or STAYS."""

    owner_of: tuple[int, ...]
    code: list[int]
    """The lines of code: those that may be chosen."""
    stays_apart: bool
    """Whether the lines that stay to the end are an edit of their own, or part of the first."""

    @classmethod
    def of(cls, analysis: Analysis, comments: str) -> Self:
        attach = comments == "attach"
        code = [line for line, unit in enumerate(analysis.unit_of) if unit != FREE]
        return cls(analysis.anchor_of if attach else analysis.unit_of, code, not attach)

    def lines_of(self, units: int) -> list[list[int]]:
        """Return the lines that go with each unit."""
        lines: list[list[int]] = [[] for _ in range(units)]
        for line, unit in enumerate(self.owner_of):
            if unit != STAYS:
                lines[unit].append(line)
        return lines

    def finish(self, program: Program, steps: list[list[int]]) -> EditSequence:
        """Return the sequence that undoes `steps`, with the lines that stay to the end."""
        stays = [line for line, unit in enumerate(self.owner_of) if unit == STAYS]
        if stays and self.stays_apart:
            steps.append(stays)
        else:
            steps[-1] += stays
        return EditSequence.undoing(program, steps)


# What goes with the chosen line


class NativeWalk:
    """Deletions by the program's needs: bookkeeping on integers."""

    def __init__(self, program: Program, analysis: Analysis, together: Together, chooser: Chooser) -> None:
        self.program = program
        self.needs = analysis.needs
        self.together = together
        self.chooser = chooser
        self.unit_of_code = [analysis.unit_of[line] for line in together.code]

    def sequence(self, draw: Draw) -> EditSequence:
        together, units = self.together, self.unit_of_code
        deaths = self.needs.start()
        dead, kill = deaths.dead, deaths.kill
        step_of = [0] * (self.needs.units + 1)  # the last one is that of STAYS
        step = 0
        for place in self.chooser.order(together.code, draw):
            unit = units[place]
            if not dead[unit]:
                for died in kill(unit):
                    step_of[died] = step
                step += 1
        last = step if together.stays_apart and STAYS in together.owner_of else step - 1
        step_of[STAYS] = last
        return EditSequence(self.program, tuple([last - step_of[unit] for unit in together.owner_of]))


class RandomChunks:
    """The paper's RandSeq ablation: chunks of lines, their sizes uniform, no linter.

    As in the published code, a chunk holds at least one line and fewer than remain (all, if one remains).
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.count = len(program.lines)

    def sequence(self, draw: Draw) -> EditSequence:
        numbers = draw.numbers(2 * self.count)
        order = sorted(range(self.count), key=numbers.__getitem__)
        steps: list[Sequence[int]] = []
        done = 0
        while (remaining := self.count - done) > 0:
            size = 1 + numbers[self.count + len(steps)] % max(1, remaining - 1)
            steps.append(order[done : done + size])
            done += size
        return EditSequence.undoing(self.program, steps)


class BlackBoxWalk:
    """The paper's loop: delete a line, lint, delete the lines with new findings, until there are none."""

    def __init__(self, program: Program, together: Together, chooser: Chooser, linter: Linter) -> None:
        self.program = program
        self.together = together
        self.chooser = chooser
        self.judge = Judge(program, linter)
        self.traveling: dict[int, list[int]] = {}
        code = set(together.code)
        for lines in together.lines_of(1 + max(together.owner_of)):
            of_code = [line for line in lines if line in code]
            for line in lines:
                if line not in code:
                    anchor = next((one for one in of_code if one > line), of_code[-1])
                    self.traveling.setdefault(anchor, []).append(line)

    def sequence(self, draw: Draw) -> EditSequence:
        lines = self.together.code
        alive = dict.fromkeys(range(len(self.program.lines)))
        code = set(lines)
        steps: list[list[int]] = []
        for place in self.chooser.order(lines, draw):
            if lines[place] in alive:
                gone = self.remove([lines[place]], alive)
                code.difference_update(gone)
                while code and (blamed := self.judge.blamed(list(alive))):
                    gone += self.remove(blamed, alive)
                    code.difference_update(gone)
                steps.append(gone)
        return self.together.finish(self.program, steps)

    def remove(self, lines: Sequence[int], alive: dict[int, None]) -> list[int]:
        gone = [index for line in lines for index in (line, *self.traveling.get(line, ())) if index in alive]
        gone = list(dict.fromkeys(gone))
        for line in gone:
            del alive[line]
        return gone


class Judge:
    """A linter's verdict on states of one program; verdicts of equal states are remembered."""

    def __init__(self, program: Program, linter: Linter) -> None:
        self.program = program
        self.linter = linter
        self.known: Counter[tuple[str, str]] = findings(linter.check(program.text))
        self.verdicts: dict[str, list[Diagnostic]] = {}

    def new(self, alive: Sequence[int]) -> list[Diagnostic]:
        """Return the findings in a state that the whole program does not have."""
        text = self.program.render([self.program.lines[line] for line in alive])
        if text not in self.verdicts:
            # A linter of a user's own may not mind a state that does not compile; we do.
            new = new_diagnostics(self.known, self.linter.check(text))
            self.verdicts[text] = new or _COMPILE.check(text)
        return self.verdicts[text]

    def blamed(self, alive: Sequence[int]) -> list[int]:
        """Return the lines that the new findings blame, as indices of the program; none if it is clean.

        A linter that blames a place outside the state is taken to mean its nearest line: something goes each
        time, so a walk always ends.
        """
        diagnostics = self.new(alive)
        places = {min(max(one.line, 1), len(alive)) - 1 for one in diagnostics}
        return [alive[place] for place in sorted(places)]


class CertifiedWalk:
    """Deletions by needs, each state judged by a linter; what it finds new becomes a need.

    A lesson says that the blamed unit needs what just went; it holds for the program's other draws too.
    """

    def __init__(
        self, program: Program, analysis: Analysis, together: Together, chooser: Chooser, linter: Linter
    ) -> None:
        self.program = program
        self.needs = analysis.needs
        self.together = together
        self.chooser = chooser
        self.judge = Judge(program, linter)
        self.lessons = 0
        self.unit_of = analysis.unit_of
        self.lines_of = together.lines_of(analysis.needs.units)

    def sequence(self, draw: Draw) -> EditSequence:
        lines, owner_of = self.together.code, self.together.owner_of
        deaths = self.needs.start()
        alive = dict.fromkeys(range(len(owner_of)))
        left = set(range(self.needs.units))
        steps: list[list[int]] = []
        for place in self.chooser.order(lines, draw):
            unit = self.unit_of[lines[place]]
            if deaths.dead[unit]:
                continue
            died = deaths.kill(unit)
            gone = self.bury(died, alive, left)
            while left and (blamed := self.judge.blamed(list(alive))):
                self.lessons += 1
                # Should only lines be blamed that stay to the end, something has to go all the same.
                pupils = sorted({owner_of[index] for index in blamed} & left) or [min(left)]
                self.needs = self.needs.taught([(pupil, tuple(died)) for pupil in pupils])
                deaths = deaths.continued(self.needs)
                for pupil in pupils:
                    if not deaths.dead[pupil]:
                        more = deaths.kill(pupil)
                        died = died + more
                        gone += self.bury(more, alive, left)
            steps.append(gone)
        return self.together.finish(self.program, steps)

    def bury(self, died: Sequence[int], alive: dict[int, None], left: set[int]) -> list[int]:
        gone = [index for unit in died for index in self.lines_of[unit]]
        for index in gone:
            del alive[index]
        left.difference_update(died)
        return gone
