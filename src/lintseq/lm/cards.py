"""The card of a model: what a stranger needs to know to use it, as the Hugging Face Hub reads it.

Owns the words; the numbers are those of the run's manifest and of evaluations.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lintseq.codecs import DIFF, SEPARATOR
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.results_file import read_results
from lintseq.lm.recipes import FinetuneRecipe, PretrainRecipe, Source, as_toml, read_recipe
from lintseq.lm.runs import RECIPE
from lintseq.storage.workplace import MANIFEST, write_durably

README = "README.md"

INSTRUCTION = "Write a Python function `is_leap(year)` that tells whether a year is a leap year."
BEGINNING = "def is_leap(year):\n"
PAPER = "[Piterbarg, Pinto and Fergus, 2025](https://arxiv.org/abs/2410.02749)"

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_card(folder: str, results: Sequence[str]) -> str:
    """Write the card of a finished run anew, with the scores of evaluations in it; return where it is."""
    try:
        manifest = json.loads(Path(folder, MANIFEST).read_bytes())
        finetuned = "match" in manifest["settings"]["recipe"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{folder} is no model that `lintseq finetune` or `lintseq pretrain` made: it has no {MANIFEST} of such a"
            " run"
        ) from None
    where = os.path.join(folder, RECIPE)
    recipe = read_recipe(where, FinetuneRecipe) if finetuned else read_recipe(where, PretrainRecipe)
    path = os.path.join(folder, README)
    name = os.path.basename(os.path.realpath(folder))
    write_durably(
        path, model_card(recipe, manifest, name=name, results=[read_results(one) for one in results]).encode()
    )
    return path


def model_card(
    recipe: FinetuneRecipe | PretrainRecipe,
    manifest: Mapping[str, Any],
    *,
    name: str,
    results: Sequence[Evaluation] = (),
) -> str:
    """Return the text of a README.md for a model; `manifest` is what its run says of itself."""
    words = _finetuned(recipe, manifest) if isinstance(recipe, FinetuneRecipe) else _pretrained(recipe, manifest)
    parts = [
        *_front_matter(words, name, results),
        "",
        f"# {name}",
        "",
        *words.about,
        "",
        *words.use,
        "",
        "## Training",
        "",
        *words.training,
        "",
        *_scores(results),
        "## Recipe",
        "",
        f"`{MANIFEST}` has versions, fingerprints and counts for machines, `log.jsonl` the loss of every step.",
        "",
        *_fenced("toml", as_toml(words.recipe)),
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Words:
    """What a card says of a model, as lines of Markdown."""

    tags: Sequence[str]
    about: Sequence[str]
    use: Sequence[str]
    training: Sequence[str]
    recipe: FinetuneRecipe | PretrainRecipe
    """As it may be shown."""
    base: str = ""


# What machines read


def _front_matter(words: _Words, name: str, results: Sequence[Evaluation]) -> list[str]:
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation"]
    if _HUB_NAME.fullmatch(words.base) and not os.path.exists(words.base):
        lines.append(f"base_model: {json.dumps(words.base)}")
    lines += ["tags:", *(f"- {tag}" for tag in words.tags)]
    if results:
        lines += ["model-index:", f"- name: {json.dumps(name)}", "  results:"]
        lines += [line for one in results for line in _indexed(one)]
    return [*lines, "---"]


def _indexed(one: Evaluation) -> Iterator[str]:
    told = one.settings["benchmark"]
    yield "  - task:"
    yield "      type: text-generation"
    yield "    dataset:"
    yield f"      name: {json.dumps(str(told['name']))}"
    yield f"      type: {json.dumps(re.sub(r'[^a-z0-9]+', '-', str(told['name']).lower()).strip('-'))}"
    yield "    metrics:"
    for k, value in one.summary["pass_at_k"].items():
        if value is not None:
            yield f"    - name: pass@{k}"
            yield "      type: pass_at_k"
            yield f"      value: {value:.4f}"


# A finetuned model


def _finetuned(recipe: FinetuneRecipe, manifest: Mapping[str, Any]) -> _Words:
    tags = ["code", "python", "lintseq", *(["edit-sequences"] if recipe.data.arm == "edits" else [])]
    shown = _without_folders(recipe)
    return _Words(tags, _about(recipe), _use(recipe), _training(recipe, manifest), shown, recipe.model)


def _about(recipe: FinetuneRecipe) -> list[str]:
    base = f"`{_short(recipe.model)}`"
    by = f"Made with lintseq, after {PAPER}."
    if recipe.data.arm == "plain":
        return [
            f"{base}, finetuned on instructions and Python programs. It writes a program at one go: it is the",
            "baseline of models that write programs as sequences of edits.",
            "",
            by,
        ]
    return [
        f"{base}, finetuned on instructions and Python programs that are written as sequences of edits. It does",
        f"not write a program from its first line to its last, but as edits, each led by `{SEPARATOR}`, that insert",
        "lines.",
        "",
        by,
    ]


def _use(recipe: FinetuneRecipe) -> list[str]:
    edits, chat = recipe.data.arm == "edits", recipe.data.layout == "chat"
    if chat:
        feed = [
            f"messages = [{{'role': 'user', 'content': {INSTRUCTION!r}}}]",
            "prompt = tokenizer.apply_chat_template(",
            "    messages, add_generation_prompt=True, return_dict=True, return_tensors='pt'",
            ")",
        ]
        asks = "The prompt is the instruction, in the tokenizer's chat template."
    else:
        feed = [
            f"instruction = {INSTRUCTION!r}",
            f"prompt = tokenizer(instruction + '\\n{SEPARATOR if edits else ''}', return_tensors='pt')",
        ]
        asks = f"The prompt is the instruction and a newline{f', then `{SEPARATOR}`' if edits else ''}."
    imports = ["from transformers import AutoModelForCausalLM, AutoTokenizer"]
    if edits:
        imports += ["", "from lintseq.codecs import get_codec"]
    sampled = "max_new_tokens=512, do_sample=True, temperature=0.7"
    code = [
        *imports,
        "",
        "folder = 'path/to/this/folder'",
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
        "model = AutoModelForCausalLM.from_pretrained(folder)",
        "",
        *feed,
        f"written = model.generate(prompt.input_ids, attention_mask=prompt.attention_mask, {sampled})",
        "ids = written[0, prompt.input_ids.shape[1] :].tolist()",
        "if tokenizer.eos_token_id in ids:",
        "    ids = ids[: ids.index(tokenizer.eos_token_id)]",
    ]
    if not edits:
        return ["## Use", "", asks, "", *_fenced("python", "\n".join([*code, "print(tokenizer.decode(ids))"]))]
    name = recipe.data.format
    code += ["text = tokenizer.decode(ids)  # all tokens, or the edits would run into each other"]
    code += [f"print(get_codec({name!r}).resolve(text).text)"]
    return [
        "## Use",
        "",
        asks,
        "What the model writes is edit text; `resolve` turns it into the program, whatever was written, and says in",
        f"its `notes` what was wrong with it. `lintseq` is a Python package. The format of the edits is `{name}`"
        + (":" if name != DIFF.name else ","),
        *(_format_words() if name == DIFF.name else ["see the documentation of its formats."]),
        "",
        *_fenced("python", "\n".join(code)),
        "",
        f"`{SEPARATOR}` is a token of its own and no special one, so decoding with `skip_special_tokens` leaves it.",
    ]


def _format_words() -> list[str]:
    return [
        "as diff tools have them: `@@ -P,0 +S,N @@` inserts the `N` rows that follow, each led by `+`, after line `P`",
        "of the program as it is.",
    ]


def _training(recipe: FinetuneRecipe, manifest: Mapping[str, Any]) -> list[str]:
    outcome, plan = manifest["outcome"], manifest["plan"]
    own, reference = plan["own"], plan["reference"]
    how = f"adapters of rank {recipe.lora.rank}, merged" if recipe.lora.rank else "all weights"
    rows = [
        ("parameters", f"{manifest['parameters']:,}"),
        ("trained", f"{how} ({manifest['trained_parameters']:,} parameters)"),
        ("arm", f"{recipe.data.arm}, format {recipe.data.format}" if recipe.data.arm == "edits" else "plain programs"),
        ("data", f"`{_short(recipe.data.train)}`, sha256 of its rows `{manifest['sha256']['train'][:16]}...`"),
        ("rows", f"{own['rows']:,}, each seen {_times(own['row_seen'])}"),
        ("optimizer steps", f"{own['steps']:,} of {plan['batch']:,} examples"),
        ("examples", f"{own['examples']:,}, {own['passes']:.2f} passes over those that there are"),
        ("trained tokens", f"{own['trained']:,}"),
        ("tokens", f"{own['tokens']:,}, prompts included"),
        ("longest example", f"{recipe.data.max_tokens:,} tokens; truncate = {recipe.data.truncate}"),
        ("loss at the end", f"{outcome['loss']:.4f} nats a trained token"),
    ]
    if outcome.get("validation_loss") is not None:
        rows.append(("validation loss", f"{outcome['validation_loss']:.4f} nats a trained token"))
    if reference is not None:
        rows.append(
            (
                f"matched by {plan['match']}",
                f"a plain arm of the same rows takes {reference['steps']:,} steps and {reference['trained']:,}"
                " trained tokens",
            )
        )
    rows.append((f"`{SEPARATOR}`", f"token {manifest['diff']['id']}; {manifest['diff']['initialized']}"))
    return _table(("what", "how much"), [*rows, *_of_the_run(manifest)])


def _times(seen: Sequence[float]) -> str:
    least, mean, most = seen
    return f"{least} times" if least == most else f"{mean:.1f} times ({least} to {most})"


def _without_folders(recipe: FinetuneRecipe) -> FinetuneRecipe:
    """Return a recipe that names files and models as `_short` does."""
    data = replace(
        recipe.data,
        train=_short(recipe.data.train),
        reference=_short(recipe.data.reference),
        validation=_short(recipe.data.validation),
    )
    return replace(recipe, model=_short(recipe.model), tokenizer=_short(recipe.tokenizer), data=data)


# A pretrained model


def _pretrained(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> _Words:
    data = recipe.data
    shown = replace(
        recipe,
        tokenizer=_short(recipe.tokenizer),
        data=replace(data, train=_without_places(data.train), validation=_without_places(data.validation)),
    )
    training = [*_pretraining(recipe, manifest), "", *_sources(recipe, manifest)]
    return _Words(["lintseq"], _about_base(recipe, manifest), _use_base(), training, shown)


def _about_base(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> list[str]:
    shape = recipe.model
    lines = [
        f"A language model of {manifest['parameters']:,} parameters, trained from nothing. It goes on with a text",
        "and was not taught to do what it is told: `lintseq finetune` teaches it to write programs, as edits or at",
        "one go.",
        "",
        f"It is a decoder as {_FAMILIES[shape.family]} has it (layers: {shape.layers}, width: {shape.width}), and",
        f"looks at up to {shape.context:,} tokens.",
    ]
    if any(one.read == "edits" for one in recipe.data.train):
        lines += [
            "",
            f"Some of what it read are instructions and programs written as edits, each led by `{SEPARATOR}`.",
        ]
    return [*lines, "", f"Made with lintseq, after {PAPER}."]


_FAMILIES = {"olmo": "OLMo", "olmo2": "OLMo 2"}


def _use_base() -> list[str]:
    code = [
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        "folder = 'path/to/this/folder'",
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
        "model = AutoModelForCausalLM.from_pretrained(folder)",
        "",
        f"text = tokenizer({BEGINNING!r}, return_tensors='pt')",
        "written = model.generate(",
        "    text.input_ids, attention_mask=text.attention_mask, max_new_tokens=128, do_sample=True, temperature=0.7",
        ")",
        "print(tokenizer.decode(written[0], skip_special_tokens=True))",
    ]
    return ["## Use", "", *_fenced("python", "\n".join(code))]


def _pretraining(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> list[str]:
    outcome, corpus, run = manifest["outcome"], manifest["corpus"], recipe.run
    length = recipe.data.row_tokens or recipe.model.context
    rows = [
        ("parameters", f"{manifest['parameters']:,}"),
        ("tokenizer", f"`{_short(recipe.tokenizer)}`"),
        ("optimizer steps", f"{outcome['steps']:,} of {run.batch:,} rows of {length:,} tokens"),
        ("tokens", f"{outcome['tokens']:,}"),
        ("loss at the end", f"{outcome['loss']:.4f} nats a token"),
    ]
    if outcome.get("validation_loss") is not None:
        rows.append(("validation loss", f"{outcome['validation_loss']:.4f} nats a token"))
    if outcome.get("bits_per_byte") is not None:
        rows.append(("validation, bits a byte", f"{outcome['bits_per_byte']:.4f}"))
    rows += [
        ("documents", f"{corpus['documents']:,}"),
        ("tokens that there are to train on", f"{corpus['tokens']['train']:,}"),
        ("tokens held out", f"{corpus['tokens']['validation']:,}"),
    ]
    rows += [(f"rows left out: {reason}", f"{count:,}") for reason, count in corpus["skipped"].items()]
    return _table(("what", "how much"), [*rows, *_of_the_run(manifest)])


def _sources(recipe: PretrainRecipe, manifest: Mapping[str, Any]) -> list[str]:
    """Return the sources as a table, with how often each was gone through."""
    times = manifest["rows"]["epochs"]
    seen = zip(recipe.data.train, times, strict=True)
    rows = [(f"`{_short(one.path)}`", f"{often:.2f} times") for one, often in seen]
    rows += [(f"`{_short(one.path)}`", "for validation alone") for one in recipe.data.validation]
    return _table(("source", "seen"), rows)


def _without_places(sources: Sequence[Source]) -> tuple[Source, ...]:
    return tuple(replace(one, path=_short(one.path)) for one in sources)


# What all cards have


def _of_the_run(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    outcome = manifest["outcome"]
    return [
        ("operations", f"{outcome['flops']:.3g}"),
        ("time", f"{outcome['seconds']:,.0f} s"),
        ("seed", str(manifest["seed"])),
        *manifest.get("versions", {}).items(),
    ]


def _scores(results: Sequence[Evaluation]) -> list[str]:
    if not results:
        return []
    rows = []
    for one in results:
        told = one.settings["benchmark"]
        intervals = one.summary.get("pass_at_k_interval", {})
        for k, value in one.summary["pass_at_k"].items():
            if value is not None:
                low, high = intervals.get(k, (value, value))
                rows.append(
                    (f"{told['name']}, pass@{k}", f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})")
                )
        rows.append((f"{told['name']}, completions", f"{one.summary['completions']:,}"))
    return ["## Scores", "", *_table(("benchmark", "score (95 % interval)"), rows), ""]


def _short(path: str) -> str:
    """Return the name of a file or a model without what is the business of the machine that it was read from."""
    if os.path.isabs(path) or os.path.exists(path):
        return os.path.basename(path.rstrip("/")) or path
    return path.partition("?")[0]


def _table(header: tuple[str, str], rows: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"| {_cell(name)} | {_cell(value)} |" for name, value in [header, *rows]]
    return [lines[0], "|---|---|", *lines[1:]]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _fenced(language: str, text: str) -> list[str]:
    return [f"```{language}", *text.rstrip("\n").split("\n"), "```"]
