"""The public names of lintseq, by topic. `__init__.py` reads them from here and imports each when it is first used."""

# Edit sequences
from lintseq.walks import (
    sample_edits as sample_edits,
    ProgramSampler as ProgramSampler,
    SamplingOptions as SamplingOptions,
)
from lintseq.program import Program as Program
from lintseq.edits import EditSequence as EditSequence, Edit as Edit, Hunk as Hunk, apply as apply, replay as replay
from lintseq.codecs import (
    resolve as resolve,
    Resolution as Resolution,
    Note as Note,
    get_codec as get_codec,
    Codec as Codec,
)
from lintseq.languages import (
    get_language as get_language,
    Language as Language,
    get_linter as get_linter,
    linter_version as linter_version,
)
from lintseq.linting import Linter as Linter, Diagnostic as Diagnostic

# Data sets
from lintseq.dataset.build import build as build
from lintseq.dataset.sampler import BuildOptions as BuildOptions, EditSampler as EditSampler
from lintseq.dataset.screening import ScreeningOptions as ScreeningOptions
from lintseq.dataset.tokens import TokenLimit as TokenLimit
from lintseq.dataset.outputs import Target as Target
from lintseq.dataset.report import BuildReport as BuildReport, BuildProgress as BuildProgress
from lintseq.rows import FieldNames as FieldNames
from lintseq.dataset.shapes import read_record as read_record, Record as Record
from lintseq.dataset.convert import convert as convert, ConvertOptions as ConvertOptions
from lintseq.dataset.verify import verify as verify, VerifyOptions as VerifyOptions, VerifyReport as VerifyReport
from lintseq.dataset.stats import stats as stats, DatasetStats as DatasetStats
from lintseq.dataset.stats_page import write_stats_page as write_stats_page
from lintseq.dataset.view_page import write_view as write_view, ViewOptions as ViewOptions, ViewReport as ViewReport
from lintseq.dataset.browsing import find_sequence as find_sequence, StoredSequence as StoredSequence
from lintseq.mining import (
    mine as mine,
    MiningOptions as MiningOptions,
    MiningReport as MiningReport,
    HistoryOptions as HistoryOptions,
)
from lintseq.dataset.transform import RowResult as RowResult

# Recipes, studies and examples
from lintseq.bundled import list_bundled as list_bundled, copy_bundled as copy_bundled, BundledFile as BundledFile
from lintseq.study.schema import recipe_schema as recipe_schema

# Sharing
from lintseq.integrations.hub import push as push, PushReport as PushReport

# Training
from lintseq.lm.recipes import (
    read_recipe as read_recipe,
    PretrainRecipe as PretrainRecipe,
    FinetuneRecipe as FinetuneRecipe,
    Architecture as Architecture,
    CorpusOptions as CorpusOptions,
    CorpusSource as CorpusSource,
    PairOptions as PairOptions,
    MatchOptions as MatchOptions,
    LoraOptions as LoraOptions,
    OptimizerOptions as OptimizerOptions,
    RunOptions as RunOptions,
)
from lintseq.lm.documents import TextOptions as TextOptions
from lintseq.lm.tokenizers import (
    train_tokenizer as train_tokenizer,
    extend_tokenizer as extend_tokenizer,
    add_separator as add_separator,
    TokenizerOptions as TokenizerOptions,
    TrainedTokenizer as TrainedTokenizer,
    TokenizerExtension as TokenizerExtension,
)
from lintseq.lm.pretraining import pretrain as pretrain, prepare_pretraining as prepare_pretraining
from lintseq.lm.corpus import CorpusProgress as CorpusProgress
from lintseq.lm.finetuning import (
    finetune as finetune,
    plan_finetuning as plan_finetuning,
    FinetunePlan as FinetunePlan,
)
from lintseq.lm.matching import TrainingPlan as TrainingPlan, ArmBudget as ArmBudget
from lintseq.lm.runs import TrainingReport as TrainingReport, TrainingProgress as TrainingProgress
from lintseq.lm.cards import write_card as write_card

# Generation
from lintseq.lm.generation import (
    complete as complete,
    CompletionOptions as CompletionOptions,
    CompletionReport as CompletionReport,
    CompletionTally as CompletionTally,
)
from lintseq.lm.solving import solve as solve, SolveOptions as SolveOptions, Solution as Solution
from lintseq.lm.backends import open_backend as open_backend, BackendOptions as BackendOptions
from lintseq.lm.backends.backend import (
    GenerationRequest as GenerationRequest,
    SamplingParameters as SamplingParameters,
    GeneratedCompletion as GeneratedCompletion,
)
from lintseq.lm.linted import DecodingOptions as DecodingOptions

# Evaluation
from lintseq.benchmarks import (
    load_problems as load_problems,
    Problem as Problem,
    ProblemSet as ProblemSet,
    list_benchmarks as list_benchmarks,
    BenchmarkListing as BenchmarkListing,
    list_problems as list_problems,
    ProblemListOptions as ProblemListOptions,
)
from lintseq.evaluation.evaluate import (
    evaluate as evaluate,
    EvaluationOptions as EvaluationOptions,
    EvaluationProgress as EvaluationProgress,
)
from lintseq.evaluation.sample_files import write_samples as write_samples, SampleFile as SampleFile
from lintseq.evaluation.completions import CompletionsOptions as CompletionsOptions
from lintseq.evaluation.results import Evaluation as Evaluation, JudgedCompletion as JudgedCompletion
from lintseq.evaluation.results_file import read_results as read_results
from lintseq.evaluation.report import (
    report as report,
    ReportOptions as ReportOptions,
    EvaluationReport as EvaluationReport,
)

# Sandbox
from lintseq.sandbox.pool import Sandbox as Sandbox
from lintseq.sandbox import (
    Job as Job,
    RunCheck as RunCheck,
    CallFunction as CallFunction,
    FeedStdin as FeedStdin,
    Limits as Limits,
    JobResult as JobResult,
    Returned as Returned,
    Raised as Raised,
    OpaqueValue as OpaqueValue,
)
from lintseq.sandbox.status import sandbox_status as sandbox_status, SandboxStatus as SandboxStatus
from lintseq.sandbox.isolation import IsolationLevel as IsolationLevel

# Studies
from lintseq.study.study import (
    run_study as run_study,
    plan_study as plan_study,
    power_of_study as power_of_study,
    pack_study as pack_study,
    StudyOptions as StudyOptions,
    StudyReport as StudyReport,
)
from lintseq.study.plan import StudyPlan as StudyPlan, StudyStep as StudyStep
from lintseq.study.running import StudyProgress as StudyProgress
from lintseq.study.findings import StudyFindings as StudyFindings
from lintseq.study.archive import PackedStudy as PackedStudy

# Errors
from lintseq.errors import (
    LintseqError as LintseqError,
    ConfigError as ConfigError,
    ProgramError as ProgramError,
    MalformedEditError as MalformedEditError,
    EditFault as EditFault,
    PlainDataError as PlainDataError,
    ToolError as ToolError,
    IsolationError as IsolationError,
    ServerError as ServerError,
    BuildInterrupted as BuildInterrupted,
)

__version__: str
