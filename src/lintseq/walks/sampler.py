"""Drawing edit sequences: `sample_edits` for one draw, `ProgramSampler` for many draws of one program."""

from dataclasses import replace

from lintseq.edits import EditSequence
from lintseq.errors import ProgramError
from lintseq.languages import Language, get_language
from lintseq.languages.linters import shared_linter
from lintseq.linting import findings, new_diagnostics
from lintseq.needs import Analysis
from lintseq.program import Program
from lintseq.walks.blackbox import BlackBoxWalk, StateLinter
from lintseq.walks.certified import CertifiedWalk
from lintseq.walks.changes import Changes
from lintseq.walks.hunks import HunksWalk
from lintseq.walks.native import NativeWalk
from lintseq.walks.options import Comments, Order, SamplingOptions, check_options
from lintseq.walks.orders import ORDERS
from lintseq.walks.pairing import Version
from lintseq.walks.random import RandomWalk
from lintseq.walks.stubbed import StubbedWalk
from lintseq.walks.transition import TransitionWalk, VersionsLinter
from lintseq.walks.walk import Grouping, RandomStream, Walk


class ProgramSampler:
    """The analysis of one program, or of two versions of it, shared by all draws.

    Raises `ProgramError` if the program or its old version `start` cannot be used, and `ConfigError` if the options
    cannot work.
    """

    def __init__(
        self, source: str | Program, options: SamplingOptions | None = None, *, start: str | Program = ""
    ) -> None:
        self.options = options or SamplingOptions()
        check_options(self.options)
        self.program = _as_program(source)
        self.start = _as_program(start)
        """The version that sequences start from; empty if they start from nothing."""
        if self.start.lines:
            _check_difference(self.program, self.start)
            self._walk: Walk = _transition(self.program, self.start, get_language(), self.options)
        else:
            self._walk = _walk(self.program, get_language(), self.options)

    @property
    def corrections(self) -> int:
        """How many states of the draws so far the certifying linter corrected."""
        return self._walk.corrections

    def sample(self, *, seed: int = 0, id: str | int = "", draw: int = 0) -> EditSequence:
        """Return one edit sequence, whose random numbers are a hash of (seed, id, draw).

        Raises `ToolError` if a linter fails; the native one does not.
        """
        return self._walk.sequence(RandomStream(seed, id, draw))


def sample_edits(
    source: str | Program,
    *,
    start: str | Program = "",
    seed: int = 0,
    linter: str = "native",
    order: Order = "uniform",
    comments: Comments = "attach",
    certify: str | None = None,
    stubs: bool = False,
) -> EditSequence:
    """Return one random way to write a program, edit by edit, each of which leaves it clean (paper, section 2.2).

    With an old version of the program as `start`, the edits lead from that to the program: they insert, delete and
    replace, and no state has a finding more often than the old version or the program has.

    The options are those of `SamplingOptions`. Raises `ProgramError` if the program cannot be used, `ConfigError` if
    the options cannot work, and `ToolError` if a linter fails.

    >>> len(sample_edits("import math\\nprint(math.pi)\\n"))
    2
    """
    options = SamplingOptions(linter, order, comments, certify, stubs)
    return ProgramSampler(source, options, start=start).sample(seed=seed)


def _as_program(text: str | Program) -> Program:
    return text if isinstance(text, Program) else Program.from_text(text)


def _check_difference(program: Program, start: Program) -> None:
    if program == start:
        raise ProgramError("no-change", "the old version and the new one are the same")
    if _without_line_ends(program) == _without_line_ends(start):
        what = "the newline at the end" if program.lines == start.lines else "line endings"
        raise ProgramError("only-line-endings", f"the two versions differ only in {what}")


def _transition(program: Program, start: Program, language: Language, options: SamplingOptions) -> Walk:
    old = Version(start, _analysis(start, language, "old"))
    new = Version(program, _analysis(program, language, "new"))
    if options.linter == "none":
        return HunksWalk(program, start)
    changes = Changes.between(old, new, options.comments)
    if options.linter != "native":
        changes = changes.without_needs()
    name = options.certify or (None if options.linter == "native" else options.linter)
    judge = VersionsLinter(program, start, language, None if name is None else shared_linter(name))
    return TransitionWalk(changes, program, start, judge, ORDERS[options.order](changes.merged))


def _without_line_ends(program: Program) -> str:
    return program.text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def _analysis(program: Program, language: Language, version: str) -> Analysis:
    """Return the analysis of one of two versions, which the message of a `ProgramError` names."""
    try:
        return language.analyze(program)
    except ProgramError as error:
        raise ProgramError(error.reason, f"the {version} version: {error.detail}") from None


def _clean_stub(program: Program, analysis: Analysis, language: Language, options: SamplingOptions) -> Program | None:
    """Return the stub of a program; None if it has none, or one that a linter of the options does not find clean."""
    stub = language.stub(program, analysis)
    name = options.certify or options.linter
    if stub is None or name == "native":
        return stub
    check = shared_linter(name).check
    return None if new_diagnostics(findings(check(program.text)), check(stub.text)) else stub


def _walk(program: Program, language: Language, options: SamplingOptions) -> Walk:
    analysis = language.analyze(program)  # for every walk: it determines which programs can be used
    if options.stubs and (stub := _clean_stub(program, analysis, language, options)) is not None:
        to_stub = _walk(stub, language, replace(options, stubs=False))
        return StubbedWalk(to_stub, _transition(program, stub, language, options))
    order = ORDERS[options.order](program)
    grouping = Grouping.of(analysis, options.comments)
    if options.linter == "none":
        return RandomWalk(program)
    if options.linter == "native" and options.certify is None:
        return NativeWalk(program, analysis, grouping, order)
    lines = len(program.lines)
    linter = shared_linter(options.certify or options.linter)
    judge = StateLinter(program, language, linter, grouping.spacing(program, analysis, range(lines), lines))
    if options.certify is not None:
        return CertifiedWalk(judge, analysis, grouping, order)
    return BlackBoxWalk(judge, grouping, order)
