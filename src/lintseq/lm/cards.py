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
from lintseq.lm.loading import require_package
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe, as_table, read_recipe
from lintseq.lm.runs import RECIPE
from lintseq.reporting.markdown import two_columns
from lintseq.rows.hub import hub_name
from lintseq.storage import MANIFEST, public, read_manifest, write_atomically

README = "README.md"

_TEMPLATES = files("lintseq.lm") / "templates"
_PROPERTIES = tomllib.loads((_TEMPLATES / "properties.toml").read_text(encoding="utf-8"))
_BUDGET = "the plain arm takes {steps:,} steps and {trained:,} trained tokens"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_card(
    folder: str, results: Sequence[str] = (), *, license: str | None = None, datasets: Sequence[str] = ()
) -> str:
    """Rewrite the card of a trained model or of a data set, and return its path.

    A model's card gets the scores of evaluations: `results` are files written by `lintseq evaluate --output`.
    `license` is an identifier of the Hub, such as apache-2.0, and `datasets` names the model's data on the Hub; both
    are kept from the earlier card if they are not given. Raises `ConfigError` if the folder is neither a model trained
    by lintseq nor a data set in shards, or a file has no results.
    """
    require_package("huggingface_hub", "rewriting a card")
    from huggingface_hub import DatasetCard, ModelCard

    path = os.path.join(folder, README)
    manifest = read_manifest(os.path.join(folder, MANIFEST))
    if manifest is not None and "inputs" in manifest["settings"] and os.path.exists(path):
        if results or datasets or license is None:
            raise ConfigError(f"{folder} is a data set: its card can only be given a --license")
        data_card = DatasetCard.load(path)
        data_card.data.license = license
        write_atomically(path, str(data_card).encode())
        return path
    if manifest is None or "recipe" not in manifest["settings"] or "outcome" not in manifest:
        raise ConfigError(f"{folder} was not made by `lintseq finetune` or `lintseq pretrain`: no {MANIFEST} of a run")
    kind = FinetuneRecipe if "match" in manifest["settings"]["recipe"] else PretrainRecipe
    recipe: Any = read_recipe(os.path.join(folder, RECIPE), kind)
    name = os.path.basename(os.path.realpath(folder))
    scores = [read_results(path) for path in results]
    earlier: dict[str, Any] = ModelCard.load(path).data.to_dict() if os.path.exists(path) else {}
    text = model_card(
        recipe,
        manifest,
        name=name,
        results=scores,
        license=license or earlier.get("license"),
        datasets=datasets or earlier.get("datasets", ()),
    )
    write_atomically(path, text.encode())
    return path


def model_card(
    recipe: FinetuneRecipe | PretrainRecipe,
    manifest: Mapping[str, Any],
    *,
    name: str,
    results: Sequence[Evaluation] = (),
    license: str | None = None,
    datasets: Sequence[str] = (),
) -> str:
    """Return the README.md of a model; `manifest` is that of its run.

    `datasets` are those on the Hub that it was trained on; by default, those that the recipe names.
    """
    import tomli_w

    if isinstance(recipe, FinetuneRecipe):
        base, text, training = recipe.model, _finetuned_text(recipe), _finetuning_table(recipe, manifest)
        paths = [recipe.data.train]
        tags = ["code", "python", "lintseq", *(["edit-sequences"] if recipe.data.arm == "edits" else [])]
    else:
        base, text, training = "", _pretrained_text(recipe, manifest), _pretraining_table(recipe, manifest)
        tags, paths = ["lintseq"], [source.path for source in recipe.data.train]
    datasets = datasets or [found for path in paths if (found := hub_name(path)) is not None]
    about, _, usage = text.partition("\n===\n")
    return _fill(
        "card.md",
        metadata=_metadata(name, tags, base, results, license, datasets),
        name=name,
        about=about,
        usage=usage.rstrip(),
        training=training,
        scores=_score_section(results),
        recipe=tomli_w.dumps(public(as_table(recipe))).rstrip(),
    )


def _fill(template: str, **values: str) -> str:
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _metadata(
    name: str,
    tags: Sequence[str],
    base: str,
    results: Sequence[Evaluation],
    license: str | None,
    datasets: Sequence[str],
) -> str:
    """Return the YAML header of a card, from which the Hub shows the license, the origins and the scores."""
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
        license=license,
        datasets=list(datasets) or None,
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
        base=public(recipe.model),
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
        "train": public(data.train),
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
        "tokenizer": public(recipe.tokenizer),
        "batch": recipe.run.batch,
        "length": recipe.data.row_tokens or recipe.model.context,
    }
    skipped = [(f"skipped rows: {reason}", f"{count:,}") for reason, count in manifest["corpus"]["skipped"].items()]
    rows = [*_rows("pretrained", manifest, values), *skipped, *_run_rows(manifest)]
    passes = zip(recipe.data.train, manifest["rows"]["epochs"], strict=True)
    sources = [(f"`{public(source.path)}`", f"{epochs:.2f}") for source, epochs in passes]
    sources += [(f"`{public(source.path)}`", "validation only") for source in recipe.data.validation]
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
