# Written by tests/reference.py.
from lintseq.codecs import Codec as Codec
from lintseq.codecs import Note as Note
from lintseq.codecs import Resolution as Resolution
from lintseq.codecs import get_codec as get_codec
from lintseq.edits import Edit as Edit
from lintseq.edits import EditSequence as EditSequence
from lintseq.edits import Hunk as Hunk
from lintseq.errors import ConfigError as ConfigError
from lintseq.errors import LintseqError as LintseqError
from lintseq.errors import MalformedEditError as MalformedEditError
from lintseq.errors import ProgramError as ProgramError
from lintseq.program import Program as Program
from lintseq.walks import ProgramSampler as ProgramSampler
from lintseq.walks import SamplingOptions as SamplingOptions
from lintseq.walks import sample_edits as sample_edits

__version__: str
PUBLIC: dict[str, dict[str, list[str]]]
__all__ = [
    "Codec",
    "ConfigError",
    "Edit",
    "EditSequence",
    "Hunk",
    "LintseqError",
    "MalformedEditError",
    "Note",
    "Program",
    "ProgramError",
    "ProgramSampler",
    "Resolution",
    "SamplingOptions",
    "__version__",
    "get_codec",
    "sample_edits",
]
