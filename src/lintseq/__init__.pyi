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
from lintseq.evaluation.evaluate import EvaluationOptions as EvaluationOptions
from lintseq.evaluation.evaluate import EvaluationProgress as EvaluationProgress
from lintseq.evaluation.evaluate import evaluate as evaluate
from lintseq.evaluation.report import EvaluationReport as EvaluationReport
from lintseq.evaluation.report import ReportOptions as ReportOptions
from lintseq.evaluation.report import report as report
from lintseq.evaluation.results import Evaluation as Evaluation
from lintseq.evaluation.results import JudgedCompletion as JudgedCompletion
from lintseq.evaluation.results_file import read_results as read_results
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
    "Evaluation",
    "EvaluationOptions",
    "EvaluationProgress",
    "EvaluationReport",
    "Hunk",
    "JudgedCompletion",
    "LintseqError",
    "MalformedEditError",
    "Note",
    "Program",
    "ProgramError",
    "ProgramSampler",
    "ReportOptions",
    "Resolution",
    "SamplingOptions",
    "__version__",
    "evaluate",
    "get_codec",
    "read_results",
    "report",
    "sample_edits",
]
