"""Drawing edit sequences: `sample_edits` for one draw, `ProgramSampler` for many draws of one program."""

from lintseq.edits import EditSequence
from lintseq.languages import Language, get_language
from lintseq.languages.linters import shared_linter
from lintseq.program import Program
from lintseq.walks.blackbox import BlackBoxWalk, StateLinter
from lintseq.walks.certified import CertifiedWalk
from lintseq.walks.native import NativeWalk
from lintseq.walks.options import Comments, Order, SamplingOptions, check_options
from lintseq.walks.orders import ORDERS
from lintseq.walks.random import RandomWalk
from lintseq.walks.walk import Grouping, RandomStream, Walk


class ProgramSampler:
    """One program's analysis, shared by all its draws.

    Raises `ProgramError` if the program cannot be used and `ConfigError` if the options cannot work.
    """

    def __init__(self, source: str | Program, options: SamplingOptions | None = None) -> None:
        self.options = options or SamplingOptions()
        check_options(self.options)
        self.program = source if isinstance(source, Program) else Program.from_text(source)
        self._walk = _walk(self.program, get_language(), self.options)

    @property
    def corrections(self) -> int:
        """How many states of the draws so far the certifying linter corrected."""
        return self._walk.corrections if isinstance(self._walk, CertifiedWalk) else 0

    def sample(self, *, seed: int = 0, id: str | int = "", draw: int = 0) -> EditSequence:
        """Return one edit sequence, whose random numbers are a hash of (seed, id, draw).

        Raises `ToolError` if a linter fails; the native one does not.
        """
        return self._walk.sequence(RandomStream(seed, id, draw))


def sample_edits(
    source: str | Program,
    *,
    seed: int = 0,
    linter: str = "native",
    order: Order = "uniform",
    comments: Comments = "attach",
    certify: str | None = None,
) -> EditSequence:
    """Return one random way to write a program, edit by edit, each of which leaves it clean (paper, section 2.2).

    The options are those of `SamplingOptions`. Raises `ProgramError` if the program cannot be used, `ConfigError` if
    the options cannot work, and `ToolError` if a linter fails.

    >>> len(sample_edits("import math\\nprint(math.pi)\\n"))
    2
    """
    options = SamplingOptions(linter, order, comments, certify)
    return ProgramSampler(source, options).sample(seed=seed)


def _walk(program: Program, language: Language, options: SamplingOptions) -> Walk:
    analysis = language.analyze(program)  # for every walk: it determines which programs can be used
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
