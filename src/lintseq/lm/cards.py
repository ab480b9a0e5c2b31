"""Model cards: the README.md of a trained model, with the metadata that the Hugging Face Hub reads."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lintseq.codecs import DIFF, SEPARATOR
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.results_file import read_results
from lintseq.lm.recipes import CorpusSource, FinetuneRecipe, PretrainRecipe, as_toml, read_recipe
from lintseq.lm.runs import RECIPE
from lintseq.storage import MANIFEST, read_manifest, write_atomically

README = "README.md"

INSTRUCTION = "Write a Python function `is_leap(year)` that tells whether a year is a leap year."
BEGINNING = "def is_leap(year):\n"
PAPER = "[Piterbarg, Pinto and Fergus, 2025](https://arxiv.org/abs/2410.02749)"

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
    if isinstance(recipe, FinetuneRecipe):
        edits = recipe.data.arm == "edits"
        tags = ["code", "python", "lintseq", *(["edit-sequences"] if edits else [])]
        about, usage = _about_edits(recipe) if edits else _about_plain(recipe), _finetuned_usage(recipe)
        training, base = _finetuning_table(recipe, manifest), recipe.model
    else:
        tags, base = ["lintseq"], ""
        about, usage = _about_pretrained(recipe, manifest), _pretrained_usage()
        training = _pretraining_table(recipe, manifest)
    metadata = "\n".join(_metadata(tags, base, name, results))
    return f"""---
{metadata}
---

# {name}

{about}

Made with lintseq, after {PAPER}.

## Usage

{usage}

## Training

{training}
{_score_section(results)}
## Recipe

`{MANIFEST}` has versions, fingerprints and counts in machine-readable form, `log.jsonl` the loss of each step.

{_fence("toml", as_toml(_without_folders(recipe)))}
"""


def _metadata(tags: Sequence[str], base: str, name: str, results: Sequence[Evaluation]) -> Iterator[str]:
    yield from ("library_name: transformers", "pipeline_tag: text-generation")
    if _HUB_NAME.fullmatch(base) and not os.path.exists(base):
        yield f"base_model: {json.dumps(base)}"
    yield from ("tags:", *(f"- {tag}" for tag in tags))
    if results:
        yield from ("model-index:", f"- name: {json.dumps(name)}", "  results:")
    for result in results:
        benchmark = str(result.settings["benchmark"]["name"])
        slug = re.sub(r"[^a-z0-9]+", "-", benchmark.lower()).strip("-")
        yield from ("  - task:", "      type: text-generation", "    dataset:")
        yield from (f"      name: {json.dumps(benchmark)}", f"      type: {json.dumps(slug)}", "    metrics:")
        for k, score in _scores(result):
            yield from (f"    - name: pass@{k}", "      type: pass_at_k", f"      value: {score:.4f}")


# Finetuned models


def _about_edits(recipe: FinetuneRecipe) -> str:
    return f"""`{_short(recipe.model)}`, finetuned on instructions and Python programs written as sequences of edits.
It does not write a program from its first line to its last, but as edits, each preceded by `{SEPARATOR}`, that insert
lines."""


def _about_plain(recipe: FinetuneRecipe) -> str:
    return f"""`{_short(recipe.model)}`, finetuned on instructions and Python programs. It writes a program from its
first line to its last: it is the baseline for models that write programs as sequences of edits."""


def _finetuned_usage(recipe: FinetuneRecipe) -> str:
    edits, format = recipe.data.arm == "edits", recipe.data.format
    separator = SEPARATOR if edits else ""
    if recipe.data.layout == "chat":
        prompt = f"""messages = [{{'role': 'user', 'content': {INSTRUCTION!r}}}]
prompt = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_dict=True, return_tensors='pt'
)"""
        text = "The prompt is the instruction, in the tokenizer's chat template."
    else:
        prompt = f"""instruction = {INSTRUCTION!r}
prompt = tokenizer(instruction + '\\n{separator}', return_tensors='pt')"""
        text = f"The prompt is the instruction and a newline{f', then `{SEPARATOR}`' if edits else ''}."
    code = f"""{_loading("from lintseq.codecs import get_codec" if edits else "")}
{prompt}
output = model.generate(
    prompt.input_ids, attention_mask=prompt.attention_mask, max_new_tokens=512, do_sample=True, temperature=0.7
)
ids = output[0, prompt.input_ids.shape[1] :].tolist()
if tokenizer.eos_token_id in ids:
    ids = ids[: ids.index(tokenizer.eos_token_id)]
"""
    if not edits:
        return f"{text}\n\n{_fence('python', f'{code}print(tokenizer.decode(ids))')}"
    code += f"""text = tokenizer.decode(ids)  # including special tokens
print(get_codec({format!r}).resolve(text).text)"""
    meaning = f"The format of the edits is `{format}`; see the lintseq documentation."
    if format == DIFF.name:
        meaning = f"""The format of the edits is `{format}`: `@@ -P,0 +S,N @@` inserts the `N` lines that follow,
each preceded by `+`, after line `P` of the current program."""
    return f"""{text} `resolve`, from the Python package `lintseq`, turns the output into a program, whatever it
contains, and lists problems in its `notes`. {meaning}

{_fence("python", code)}

`{SEPARATOR}` is one token and not a special one, so decoding with `skip_special_tokens` keeps it."""


def _loading(more_imports: str = "") -> str:
    imports = f"\n{more_imports}\n" if more_imports else ""
    return f"""from transformers import AutoModelForCausalLM, AutoTokenizer
{imports}
folder = 'path/to/this/folder'
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
"""


def _finetuning_table(recipe: FinetuneRecipe, manifest: Mapping[str, Any]) -> str:
    outcome, plan, data = manifest["outcome"], manifest["plan"], recipe.data
    own, reference, unit = plan["own"], plan["reference"], "nats per trained token"
    method = f"adapters of rank {recipe.lora.rank}, merged" if recipe.lora.rank else "all weights"
    low, mean, high = own["row_seen"]
    times = f"{low} times" if low == high else f"{mean:.1f} times ({low} to {high})"
    rows = [
        ("parameters", f"{manifest['parameters']:,}"),
        ("trained", f"{method} ({manifest['trained_parameters']:,} parameters)"),
        ("arm", f"edits, format {data.format}" if data.arm == "edits" else "plain programs"),
        ("data", f"`{_short(data.train)}`, sha256 of its rows `{manifest['sha256']['train'][:16]}...`"),
        ("rows", f"{own['rows']:,}, each seen {times}"),
        ("optimizer steps", f"{own['steps']:,} of {plan['batch']:,} examples"),
        ("examples", f"{own['examples']:,}, {own['passes']:.2f} passes"),
        ("trained tokens", f"{own['trained']:,}"),
        ("tokens", f"{own['tokens']:,}, including prompts"),
        ("longest example", f"{data.max_tokens:,} tokens; truncate = {data.truncate}"),
        ("final loss", f"{outcome['loss']:.4f} {unit}"),
        ("validation loss", _measured(outcome["validation_loss"], unit)),
    ]
    if reference is not None:
        budget = f"{reference['steps']:,} steps and {reference['trained']:,} trained tokens"
        rows.append((f"matched by {plan['match']}", f"the plain arm takes {budget}"))
    rows.append((f"`{SEPARATOR}`", f"token {manifest['diff']['id']}; {manifest['diff']['initialized']}"))
    return _table(("property", "value"), [*rows, *_run_rows(manifest)])


# Pretrained models


def _about_pretrained(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> str:
    shape = recipe.model
    family = {"olmo": "OLMo", "olmo2": "OLMo 2"}[shape.family]
    sizes = f"layers: {shape.layers}, width: {shape.width}, context: {shape.context:,} tokens"
    text = f"""A language model of {manifest["parameters"]:,} parameters, trained from scratch. It continues texts and
does not follow instructions: finetune it with `lintseq finetune` to write programs, as edits or from top to bottom.

It is a decoder in the {family} architecture ({sizes})."""
    if any(source.read == "edits" for source in recipe.data.train):
        text += f"""

Its training data includes instructions with programs written as edits, each preceded by `{SEPARATOR}`."""
    return text


def _pretrained_usage() -> str:
    code = f"""{_loading()}
text = tokenizer({BEGINNING!r}, return_tensors='pt')
output = model.generate(
    text.input_ids, attention_mask=text.attention_mask, max_new_tokens=128, do_sample=True, temperature=0.7
)
print(tokenizer.decode(output[0], skip_special_tokens=True))"""
    return _fence("python", code)


def _pretraining_table(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> str:
    outcome, corpus = manifest["outcome"], manifest["corpus"]
    length = recipe.data.row_tokens or recipe.model.context
    rows = [
        ("parameters", f"{manifest['parameters']:,}"),
        ("tokenizer", f"`{_short(recipe.tokenizer)}`"),
        ("optimizer steps", f"{outcome['step']:,} of {recipe.run.batch:,} rows of {length:,} tokens"),
        ("tokens", f"{outcome['tokens']:,}"),
        ("final loss", f"{outcome['loss']:.4f} nats per token"),
        ("validation loss", _measured(outcome["validation_loss"], "nats per token")),
        ("validation, bits per byte", _measured(outcome["bits_per_byte"])),
        ("documents", f"{corpus['documents']:,}"),
        ("available training tokens", f"{corpus['tokens']['train']:,}"),
        ("held-out tokens", f"{corpus['tokens']['validation']:,}"),
        *((f"skipped rows: {reason}", f"{count:,}") for reason, count in corpus["skipped"].items()),
        *_run_rows(manifest),
    ]
    passes = zip(recipe.data.train, manifest["rows"]["epochs"], strict=True)
    sources = [(f"`{_short(source.path)}`", f"{epochs:.2f}") for source, epochs in passes]
    sources += [(f"`{_short(source.path)}`", "validation only") for source in recipe.data.validation]
    return f"{_table(('property', 'value'), rows)}\n\n{_table(('source', 'epochs'), sources)}"


# Common parts


def _measured(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.4f} {unit}".rstrip()


def _run_rows(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    outcome = manifest["outcome"]
    return [
        ("floating-point operations", f"{outcome['flops']:.3g}"),
        ("time", f"{outcome['seconds']:,.0f} s"),
        ("seed", str(manifest["seed"])),
        *manifest["versions"].items(),
    ]


def _scores(result: Evaluation) -> list[tuple[str, float]]:
    return [(k, score) for k, score in result.summary["pass_at_k"].items() if score is not None]


def _score_section(results: Sequence[Evaluation]) -> str:
    rows = []
    for result in results:
        benchmark = result.settings["benchmark"]["name"]
        intervals = result.summary.get("pass_at_k_interval", {})
        for k, score in _scores(result):
            low, high = intervals.get(k, (score, score))
            rows.append((f"{benchmark}, pass@{k}", f"{100 * score:.1f} % ({100 * low:.1f} to {100 * high:.1f})"))
        rows.append((f"{benchmark}, completions", f"{result.summary['completions']:,}"))
    table = _table(("benchmark", "score (95 % interval)"), rows)
    return f"\n## Scores\n\n{table}\n" if results else ""


def _without_folders(recipe: FinetuneRecipe | PretrainRecipe) -> FinetuneRecipe | PretrainRecipe:
    """Return the recipe with the local folders removed from its paths."""
    tokenizer = _short(recipe.tokenizer)
    if isinstance(recipe, FinetuneRecipe):
        pairs = recipe.data
        pairs = replace(
            pairs,
            train=_short(pairs.train),
            reference=_short(pairs.reference),
            validation=_short(pairs.validation),
        )
        return replace(recipe, model=_short(recipe.model), tokenizer=tokenizer, data=pairs)

    def short(sources: Sequence[CorpusSource]) -> tuple[CorpusSource, ...]:
        return tuple(replace(source, path=_short(source.path)) for source in sources)

    corpus = replace(recipe.data, train=short(recipe.data.train), validation=short(recipe.data.validation))
    return replace(recipe, tokenizer=tokenizer, data=corpus)


def _short(path: str) -> str:
    """Return the name of a file or model without the local folder or the query of a URL."""
    if os.path.isabs(path) or os.path.exists(path):
        return os.path.basename(path.rstrip("/")) or path
    return path.partition("?")[0]


def _table(header: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in [header, *rows] if row[1]]
    lines = [f"| {name} | {value} |" for name, value in cells]
    return "\n".join([lines[0], "|---|---|", *lines[1:]])


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
