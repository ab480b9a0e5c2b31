"""Turn programs into exact, linter-clean edit sequences for training code models.

Everything public is in this namespace and documented in `docs/api.md`; it is imported when it is first used.

>>> import lintseq
>>> sequence = lintseq.sample_edits("import math\\nprint(math.pi)\\n", seed=0)
>>> print(lintseq.get_codec("diff").write(sequence), end="")
<|diff|>@@ -0,0 +1 @@
+import math
<|diff|>@@ -1,0 +2 @@
+print(math.pi)
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

PUBLIC = {
    "Edit sequences": {
        "lintseq.walks": "sample_edits ProgramSampler SamplingOptions",
        "lintseq.program": "Program",
        "lintseq.edits": "EditSequence Edit Hunk apply replay",
        "lintseq.codecs": "resolve Resolution Note get_codec Codec",
        "lintseq.languages": "get_language Language get_linter linter_version",
        "lintseq.linting": "Linter Diagnostic",
    },
    "Data sets": {
        "lintseq.dataset.build": "build",
        "lintseq.dataset.sampler": "BuildOptions EditSampler",
        "lintseq.dataset.screening": "ScreeningOptions",
        "lintseq.dataset.outputs": "Target",
        "lintseq.dataset.report": "BuildReport BuildProgress",
        "lintseq.rows": "FieldNames",
        "lintseq.dataset.shapes": "read_record Record",
        "lintseq.dataset.convert": "convert ConvertOptions",
        "lintseq.dataset.verify": "verify VerifyOptions VerifyReport",
        "lintseq.dataset.stats": "stats DatasetStats",
        "lintseq.dataset.stats_page": "write_stats_page",
        "lintseq.dataset.view_page": "write_view ViewOptions ViewReport",
        "lintseq.dataset.browsing": "find_sequence StoredSequence",
        "lintseq.mining": "mine MiningOptions MiningReport",
        "lintseq.dataset.transform": "RowResult",
    },
    "Training": {
        "lintseq.lm.recipes": "read_recipe PretrainRecipe FinetuneRecipe Architecture CorpusOptions"
        " CorpusSource PairOptions MatchOptions LoraOptions OptimizerOptions RunOptions",
        "lintseq.lm.documents": "TextOptions",
        "lintseq.lm.tokenizers": "train_tokenizer extend_tokenizer"
        " TokenizerOptions TrainedTokenizer TokenizerExtension",
        "lintseq.lm.pretraining": "pretrain prepare_pretraining",
        "lintseq.lm.corpus": "CorpusProgress",
        "lintseq.lm.finetuning": "finetune plan_finetuning FinetunePlan",
        "lintseq.lm.matching": "TrainingPlan ArmBudget",
        "lintseq.lm.runs": "TrainingReport TrainingProgress",
        "lintseq.lm.cards": "write_card",
    },
    "Generation": {
        "lintseq.lm.generation": "complete CompletionOptions CompletionReport CompletionTally",
        "lintseq.lm.solving": "solve SolveOptions Solution",
        "lintseq.lm.backends": "open_backend BackendOptions",
        "lintseq.lm.backends.backend": "GenerationRequest SamplingParameters GeneratedCompletion",
        "lintseq.lm.linted": "DecodingOptions",
    },
    "Evaluation": {
        "lintseq.benchmarks": "load_problems Problem ProblemSet"
        " list_benchmarks BenchmarkListing list_problems ProblemListOptions",
        "lintseq.evaluation.evaluate": "evaluate EvaluationOptions EvaluationProgress",
        "lintseq.evaluation.results": "Evaluation JudgedCompletion",
        "lintseq.evaluation.results_file": "read_results",
        "lintseq.evaluation.report": "report ReportOptions EvaluationReport",
    },
    "Sandbox": {
        "lintseq.sandbox.pool": "Sandbox",
        "lintseq.sandbox": "Job RunCheck CallFunction FeedStdin Limits JobResult Returned Raised OpaqueValue",
        "lintseq.sandbox.status": "sandbox_status SandboxStatus",
        "lintseq.sandbox.isolation": "IsolationLevel",
    },
    "Studies": {
        "lintseq.study.study": "run_study plan_study pack_study StudyOptions StudyReport",
        "lintseq.study.plan": "StudyPlan StudyStep",
        "lintseq.study.running": "StudyProgress",
        "lintseq.study.findings": "StudyFindings",
        "lintseq.study.archive": "PackedStudy",
    },
    "Errors": {
        "lintseq.errors": "LintseqError ConfigError ProgramError MalformedEditError EditFault"
        " PlainDataError ToolError IsolationError ServerError BuildInterrupted"
    },
}
"""Every public name, separated by spaces, by topic and the module that defines it."""

_MODULES = {name: module for topic in PUBLIC.values() for module, names in topic.items() for name in names.split()}
__all__ = ["__version__", *_MODULES]  # noqa: PLE0604  (`__init__.pyi` has the list for type checkers)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'lintseq' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
