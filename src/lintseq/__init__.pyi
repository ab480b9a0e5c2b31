# Written by tests/reference.py.
from lintseq.benchmarks import BenchmarkListing as BenchmarkListing
from lintseq.benchmarks import Problem as Problem
from lintseq.benchmarks import ProblemListOptions as ProblemListOptions
from lintseq.benchmarks import ProblemSet as ProblemSet
from lintseq.benchmarks import list_benchmarks as list_benchmarks
from lintseq.benchmarks import list_problems as list_problems
from lintseq.benchmarks import load_problems as load_problems
from lintseq.codecs import Codec as Codec
from lintseq.codecs import Note as Note
from lintseq.codecs import Resolution as Resolution
from lintseq.codecs import get_codec as get_codec
from lintseq.codecs import resolve as resolve
from lintseq.dataset.browsing import StoredSequence as StoredSequence
from lintseq.dataset.browsing import find_sequence as find_sequence
from lintseq.dataset.build import build as build
from lintseq.dataset.convert import ConvertOptions as ConvertOptions
from lintseq.dataset.convert import convert as convert
from lintseq.dataset.outputs import Target as Target
from lintseq.dataset.report import BuildProgress as BuildProgress
from lintseq.dataset.report import BuildReport as BuildReport
from lintseq.dataset.sampler import BuildOptions as BuildOptions
from lintseq.dataset.sampler import EditSampler as EditSampler
from lintseq.dataset.screening import ScreeningOptions as ScreeningOptions
from lintseq.dataset.shapes import Record as Record
from lintseq.dataset.shapes import read_record as read_record
from lintseq.dataset.stats import DatasetStats as DatasetStats
from lintseq.dataset.stats import stats as stats
from lintseq.dataset.stats_page import write_stats_page as write_stats_page
from lintseq.dataset.transform import RowResult as RowResult
from lintseq.dataset.verify import VerifyOptions as VerifyOptions
from lintseq.dataset.verify import VerifyReport as VerifyReport
from lintseq.dataset.verify import verify as verify
from lintseq.dataset.view_page import ViewOptions as ViewOptions
from lintseq.dataset.view_page import ViewReport as ViewReport
from lintseq.dataset.view_page import write_view as write_view
from lintseq.edits import Edit as Edit
from lintseq.edits import EditSequence as EditSequence
from lintseq.edits import Hunk as Hunk
from lintseq.edits import apply as apply
from lintseq.edits import replay as replay
from lintseq.errors import BuildInterrupted as BuildInterrupted
from lintseq.errors import ConfigError as ConfigError
from lintseq.errors import EditFault as EditFault
from lintseq.errors import IsolationError as IsolationError
from lintseq.errors import LintseqError as LintseqError
from lintseq.errors import MalformedEditError as MalformedEditError
from lintseq.errors import PlainDataError as PlainDataError
from lintseq.errors import ProgramError as ProgramError
from lintseq.errors import ServerError as ServerError
from lintseq.errors import ToolError as ToolError
from lintseq.evaluation.evaluate import EvaluationOptions as EvaluationOptions
from lintseq.evaluation.evaluate import EvaluationProgress as EvaluationProgress
from lintseq.evaluation.evaluate import evaluate as evaluate
from lintseq.evaluation.report import EvaluationReport as EvaluationReport
from lintseq.evaluation.report import ReportOptions as ReportOptions
from lintseq.evaluation.report import report as report
from lintseq.evaluation.results import Evaluation as Evaluation
from lintseq.evaluation.results import JudgedCompletion as JudgedCompletion
from lintseq.evaluation.results_file import read_results as read_results
from lintseq.languages import Language as Language
from lintseq.languages import get_language as get_language
from lintseq.languages import get_linter as get_linter
from lintseq.languages import linter_version as linter_version
from lintseq.linting import Diagnostic as Diagnostic
from lintseq.linting import Linter as Linter
from lintseq.lm.backends import BackendOptions as BackendOptions
from lintseq.lm.backends import open_backend as open_backend
from lintseq.lm.backends.backend import GeneratedCompletion as GeneratedCompletion
from lintseq.lm.backends.backend import GenerationRequest as GenerationRequest
from lintseq.lm.backends.backend import SamplingParameters as SamplingParameters
from lintseq.lm.cards import write_card as write_card
from lintseq.lm.corpus import CorpusProgress as CorpusProgress
from lintseq.lm.documents import TextOptions as TextOptions
from lintseq.lm.finetuning import FinetunePlan as FinetunePlan
from lintseq.lm.finetuning import finetune as finetune
from lintseq.lm.finetuning import plan_finetuning as plan_finetuning
from lintseq.lm.generation import CompletionOptions as CompletionOptions
from lintseq.lm.generation import CompletionReport as CompletionReport
from lintseq.lm.generation import CompletionTally as CompletionTally
from lintseq.lm.generation import complete as complete
from lintseq.lm.linted import DecodingOptions as DecodingOptions
from lintseq.lm.matching import ArmBudget as ArmBudget
from lintseq.lm.matching import TrainingPlan as TrainingPlan
from lintseq.lm.pretraining import prepare_pretraining as prepare_pretraining
from lintseq.lm.pretraining import pretrain as pretrain
from lintseq.lm.recipes import Architecture as Architecture
from lintseq.lm.recipes import CorpusOptions as CorpusOptions
from lintseq.lm.recipes import CorpusSource as CorpusSource
from lintseq.lm.recipes import FinetuneRecipe as FinetuneRecipe
from lintseq.lm.recipes import LoraOptions as LoraOptions
from lintseq.lm.recipes import MatchOptions as MatchOptions
from lintseq.lm.recipes import OptimizerOptions as OptimizerOptions
from lintseq.lm.recipes import PairOptions as PairOptions
from lintseq.lm.recipes import PretrainRecipe as PretrainRecipe
from lintseq.lm.recipes import RunOptions as RunOptions
from lintseq.lm.recipes import read_recipe as read_recipe
from lintseq.lm.runs import TrainingProgress as TrainingProgress
from lintseq.lm.runs import TrainingReport as TrainingReport
from lintseq.lm.solving import Solution as Solution
from lintseq.lm.solving import SolveOptions as SolveOptions
from lintseq.lm.solving import solve as solve
from lintseq.lm.tokenizers import TokenizerExtension as TokenizerExtension
from lintseq.lm.tokenizers import TokenizerOptions as TokenizerOptions
from lintseq.lm.tokenizers import TrainedTokenizer as TrainedTokenizer
from lintseq.lm.tokenizers import extend_tokenizer as extend_tokenizer
from lintseq.lm.tokenizers import train_tokenizer as train_tokenizer
from lintseq.mining import MiningOptions as MiningOptions
from lintseq.mining import MiningReport as MiningReport
from lintseq.mining import mine as mine
from lintseq.program import Program as Program
from lintseq.rows import FieldNames as FieldNames
from lintseq.sandbox import CallFunction as CallFunction
from lintseq.sandbox import FeedStdin as FeedStdin
from lintseq.sandbox import Job as Job
from lintseq.sandbox import JobResult as JobResult
from lintseq.sandbox import Limits as Limits
from lintseq.sandbox import OpaqueValue as OpaqueValue
from lintseq.sandbox import Raised as Raised
from lintseq.sandbox import Returned as Returned
from lintseq.sandbox import RunCheck as RunCheck
from lintseq.sandbox.isolation import IsolationLevel as IsolationLevel
from lintseq.sandbox.pool import Sandbox as Sandbox
from lintseq.sandbox.status import SandboxStatus as SandboxStatus
from lintseq.sandbox.status import sandbox_status as sandbox_status
from lintseq.study.archive import PackedStudy as PackedStudy
from lintseq.study.findings import StudyFindings as StudyFindings
from lintseq.study.plan import StudyPlan as StudyPlan
from lintseq.study.plan import StudyStep as StudyStep
from lintseq.study.running import StudyProgress as StudyProgress
from lintseq.study.study import StudyOptions as StudyOptions
from lintseq.study.study import StudyReport as StudyReport
from lintseq.study.study import pack_study as pack_study
from lintseq.study.study import plan_study as plan_study
from lintseq.study.study import run_study as run_study
from lintseq.walks import ProgramSampler as ProgramSampler
from lintseq.walks import SamplingOptions as SamplingOptions
from lintseq.walks import sample_edits as sample_edits

__version__: str
PUBLIC: dict[str, dict[str, str]]
__all__ = [
    "Architecture",
    "ArmBudget",
    "BackendOptions",
    "BenchmarkListing",
    "BuildInterrupted",
    "BuildOptions",
    "BuildProgress",
    "BuildReport",
    "CallFunction",
    "Codec",
    "CompletionOptions",
    "CompletionReport",
    "CompletionTally",
    "ConfigError",
    "ConvertOptions",
    "CorpusOptions",
    "CorpusProgress",
    "CorpusSource",
    "DatasetStats",
    "DecodingOptions",
    "Diagnostic",
    "Edit",
    "EditFault",
    "EditSampler",
    "EditSequence",
    "Evaluation",
    "EvaluationOptions",
    "EvaluationProgress",
    "EvaluationReport",
    "FeedStdin",
    "FieldNames",
    "FinetunePlan",
    "FinetuneRecipe",
    "GeneratedCompletion",
    "GenerationRequest",
    "Hunk",
    "IsolationError",
    "IsolationLevel",
    "Job",
    "JobResult",
    "JudgedCompletion",
    "Language",
    "Limits",
    "Linter",
    "LintseqError",
    "LoraOptions",
    "MalformedEditError",
    "MatchOptions",
    "MiningOptions",
    "MiningReport",
    "Note",
    "OpaqueValue",
    "OptimizerOptions",
    "PackedStudy",
    "PairOptions",
    "PlainDataError",
    "PretrainRecipe",
    "Problem",
    "ProblemListOptions",
    "ProblemSet",
    "Program",
    "ProgramError",
    "ProgramSampler",
    "Raised",
    "Record",
    "ReportOptions",
    "Resolution",
    "Returned",
    "RowResult",
    "RunCheck",
    "RunOptions",
    "SamplingOptions",
    "SamplingParameters",
    "Sandbox",
    "SandboxStatus",
    "ScreeningOptions",
    "ServerError",
    "Solution",
    "SolveOptions",
    "StoredSequence",
    "StudyFindings",
    "StudyOptions",
    "StudyPlan",
    "StudyProgress",
    "StudyReport",
    "StudyStep",
    "Target",
    "TextOptions",
    "TokenizerExtension",
    "TokenizerOptions",
    "ToolError",
    "TrainedTokenizer",
    "TrainingPlan",
    "TrainingProgress",
    "TrainingReport",
    "VerifyOptions",
    "VerifyReport",
    "ViewOptions",
    "ViewReport",
    "__version__",
    "apply",
    "build",
    "complete",
    "convert",
    "evaluate",
    "extend_tokenizer",
    "find_sequence",
    "finetune",
    "get_codec",
    "get_language",
    "get_linter",
    "linter_version",
    "list_benchmarks",
    "list_problems",
    "load_problems",
    "mine",
    "open_backend",
    "pack_study",
    "plan_finetuning",
    "plan_study",
    "prepare_pretraining",
    "pretrain",
    "read_recipe",
    "read_record",
    "read_results",
    "replay",
    "report",
    "resolve",
    "run_study",
    "sample_edits",
    "sandbox_status",
    "solve",
    "stats",
    "train_tokenizer",
    "verify",
    "write_card",
    "write_stats_page",
    "write_view",
]
