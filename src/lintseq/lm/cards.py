"""Model cards: the README.md of a trained model, with the metadata that the Hugging Face Hub reads."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from string import Template
from typing import Any

from lintseq.codecs import DIFF, SEPARATOR
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.results_file import read_results
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe, as_table, read_recipe
from lintseq.lm.runs import RECIPE
from lintseq.reporting.markdown import two_columns
from lintseq.storage import MANIFEST, read_manifest, write_atomically

README = "README.md"

_TEMPLATES = files("lintseq.lm") / "templates"
_PROPERTIES = tomllib.loads((_TEMPLATES / "properties.toml").read_text(encoding="utf-8"))
_BUDGET = "the plain arm takes {steps:,} steps and {trained:,} trained tokens"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_card(folder: str, results: Sequence[str] = ()) -> str:
    """Rewrite the card of a trained model with the scores of evaluations, and return its path.

    `results` are files written by `lintseq evaluate --output`. Raises `ConfigError` if the folder is not a model
    trained by lintseq, or a file has no results.
    """
    manifest = read_manifest(os.path.join(folder, MANIFEST))
    if manifest is None or "recipe" not in manifest["settings"] or "outcome" not in manifest:
        raise ConfigError(f"{folder} was not made by `lintseq finetune` or `lintseq pretrain`: no {MANIFEST} of a run")
    kind = FinetuneRecipe if "match" in manifest["settings"]["recipe"] else PretrainRecipe
    recipe: Any = read_recipe(os.path.join(folder, RECIPE), kind)
    name = os.path.basename(os.path.realpath(folder))
    scores = [read_results(path) for path in results]
    path = os.path.join(folder, README)
    write_atomically(path, model_card(recipe, manifest, name=name, results=scores).encode())
    return path


def model_card(
    recipe: FinetuneRecipe | PretrainRecipe,
    manifest: Mapping[str, Any],
    *,
    name: str,
    results: Sequence[Evaluation] = (),
) -> str:
    """Return the README.md of a model; `manifest` is that of its run."""
    import tomli_w

    if isinstance(recipe, FinetuneRecipe):
        base, text, training = recipe.model, _finetuned_text(recipe), _finetuning_table(recipe, manifest)
        tags = ["code", "python", "lintseq", *(["edit-sequences"] if recipe.data.arm == "edits" else [])]
    else:
        base, text, training = "", _pretrained_text(recipe, manifest), _pretraining_table(recipe, manifest)
        tags = ["lintseq"]
    about, _, usage = text.partition("\n===\n")
    return _fill(
        "card.md",
        metadata=_metadata(name, tags, base, results),
        name=name,
        about=about,
        usage=usage.rstrip(),
        training=training,
        scores=_score_section(results),
        recipe=tomli_w.dumps(_without_folders(as_table(recipe))).rstrip(),
    )


def _fill(template: str, **values: str) -> str:
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _metadata(name: str, tags: Sequence[str], base: str, results: Sequence[Evaluation]) -> str:
    """Return the YAML header of a card, from which the Hub shows the base model and the scores."""
    from huggingface_hub import EvalResult, ModelCardData

    scores = [
        EvalResult(
            task_type="text-generation",
            dataset_name=(benchmark := result.settings["benchmark"]["name"]),
            dataset_type=re.sub(r"[^a-z0-9]+", "-", benchmark.lower()).strip("-"),
            metric_type="pass_at_k",
            metric_name=f"pass@{k}",
            metric_value=round(score, 4),
        )
        for result in results
        for k, score in result.summary["pass_at_k"].items()
        if score is not None
    ]
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=base if _HUB_NAME.fullmatch(base) and not os.path.exists(base) else None,
        tags=list(tags),
        model_name=name,
        eval_results=scores or None,
    ).to_yaml()


# Finetuned models


def _finetuned_text(recipe: FinetuneRecipe) -> str:
    data = recipe.data
    separator = SEPARATOR if data.arm == "edits" else ""
    prompt = f"the instruction and a newline{f', then `{SEPARATOR}`' if separator else ''}"
    format_note = "; see the lintseq documentation"
    if data.format == DIFF.name:
        format_note = """: `@@ -P,0 +S,N @@` inserts the
`N` lines that follow, each preceded by `+`, after line `P` of the current program"""
    return _fill(
        f"{data.arm}.md",
        base=_short(recipe.model),
        separator=SEPARATOR,
        prompt=prompt if data.layout == "text" else "the instruction, in the tokenizer's chat template",
        encode=_fill(f"{data.layout}.txt", separator=separator).rstrip(),
        format=data.format,
        format_note=format_note,
    )


def _finetuning_table(recipe: FinetuneRecipe, manifest: Mapping[str, Any]) -> str:
    plan, data = manifest["plan"], recipe.data
    low, mean, high = plan["own"]["row_seen"]
    reference = plan["reference"]
    matched = [] if reference is None else [(f"matched by {plan['match']}", _BUDGET.format_map(reference))]
    values = {
        "method": f"adapters of rank {recipe.lora.rank}, merged" if recipe.lora.rank else "all weights",
        "arm": f"edits, format {data.format}" if data.arm == "edits" else "plain programs",
        "data": data,
        "train": _short(data.train),
        "times": f"{low} times" if low == high else f"{mean:.1f} times ({low} to {high})",
    }
    rows = [*_rows("finetuned", manifest, values), *matched]
    rows.append((f"`{SEPARATOR}`", "token {id}; {initialized}".format_map(manifest["diff"])))
    return two_columns(("property", "value"), [*rows, *_run_rows(manifest)])


# Pretrained models


def _pretrained_text(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> str:
    shape, note = recipe.model, ""
    if any(source.read == "edits" for source in recipe.data.train):
        note = (
            f" Its training data\nincludes instructions and programs written as edits, each preceded by `{SEPARATOR}`."
        )
    return _fill(
        "pretrained.md",
        parameters=f"{manifest['parameters']:,}",
        family={"olmo": "OLMo", "olmo2": "OLMo 2"}[shape.family],
        layers=str(shape.layers),
        width=str(shape.width),
        context=f"{shape.context:,}",
        edits_note=note,
    )


def _pretraining_table(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> str:
    values = {
        "tokenizer": _short(recipe.tokenizer),
        "batch": recipe.run.batch,
        "length": recipe.data.row_tokens or recipe.model.context,
    }
    skipped = [(f"skipped rows: {reason}", f"{count:,}") for reason, count in manifest["corpus"]["skipped"].items()]
    rows = [*_rows("pretrained", manifest, values), *skipped, *_run_rows(manifest)]
    passes = zip(recipe.data.train, manifest["rows"]["epochs"], strict=True)
    sources = [(f"`{_short(source.path)}`", f"{epochs:.2f}") for source, epochs in passes]
    sources += [(f"`{_short(source.path)}`", "validation only") for source in recipe.data.validation]
    return f"{two_columns(('property', 'value'), rows)}\n\n{two_columns(('source', 'epochs'), sources)}"


# Common parts


def _rows(kind: str, manifest: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the properties of a kind of model in `properties.toml`, without those that were not measured."""
    rows = []
    for name, text in _PROPERTIES[kind].items():
        with suppress(TypeError):  # None has no format
            rows.append((name, text.format_map({**manifest, **values})))
    return rows


def _run_rows(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [*_rows("run", manifest, {}), *manifest["versions"].items()]


def _score_section(results: Sequence[Evaluation]) -> str:
    rows = []
    for result in results:
        benchmark = result.settings["benchmark"]["name"]
        intervals = result.summary.get("pass_at_k_interval", {})
        for k, score in result.summary["pass_at_k"].items():
            if score is None:
                continue
            low, high = intervals.get(k, (score, score))
            rows.append((f"{benchmark}, pass@{k}", f"{100 * score:.1f} % ({100 * low:.1f} to {100 * high:.1f})"))
        rows.append((f"{benchmark}, completions", f"{result.summary['completions']:,}"))
    table = two_columns(("benchmark", "score (95 % interval)"), rows)
    return f"\n## Scores\n\n{table}\n" if results else ""


def _without_folders(value: Any) -> Any:
    """Return the values of a recipe with the local folders removed from its paths."""
    if isinstance(value, dict):
        return {name: _without_folders(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return _short(value) if isinstance(value, str) else value


def _short(path: str) -> str:
    """Return the name of a file or model without the local folder or the query of a URL."""
    if os.path.isabs(path) or os.path.exists(path):
        return os.path.basename(path.rstrip("/")) or path
    return path.partition("?")[0]
