"""The card of a finetuned model: what a stranger needs to know to use it, as the Hugging Face Hub reads it.

Owns the words; the numbers are those of the run's manifest and of evaluations.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lintseq.codecs import DIFF, SEPARATOR
from lintseq.dataset.outputs.workplace import MANIFEST, write_durably
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Results, read_results
from lintseq.lm.recipes import FinetuneRecipe, as_toml, from_table

README = "README.md"

INSTRUCTION = "Write a Python function `is_leap(year)` that tells whether a year is a leap year."
PAPER = "[Piterbarg, Pinto and Fergus, 2025](https://arxiv.org/abs/2410.02749)"

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def write_card(folder: str, results: Sequence[str]) -> str:
    """Write the card of a finished run anew, with the scores of evaluations in it; return where it is."""
    try:
        manifest = json.loads(Path(folder, MANIFEST).read_bytes())
        recipe = from_table(manifest["settings"]["recipe"], FinetuneRecipe, folder)
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{folder} is no model that `lintseq finetune` made: it has no {MANIFEST} of such a run"
        ) from None
    path = os.path.join(folder, README)
    name = os.path.basename(os.path.realpath(folder))
    write_durably(
        path, model_card(recipe, manifest, name=name, results=[read_results(one) for one in results]).encode()
    )
    return path


def model_card(
    recipe: FinetuneRecipe, manifest: Mapping[str, Any], *, name: str, results: Sequence[Results] = ()
) -> str:
    """Return the text of a README.md for a model; `manifest` is what its run says of itself."""
    parts = [
        *_front_matter(recipe, name, results),
        "",
        f"# {name}",
        "",
        *_about(recipe),
        "",
        *_use(recipe),
        "",
        "## Training",
        "",
        *_training(recipe, manifest),
        "",
        *_scores(results),
        "## Recipe",
        "",
        f"`{MANIFEST}` has versions, fingerprints and counts for machines, `log.jsonl` the loss of every step.",
        "",
        *_fenced("toml", as_toml(_without_folders(recipe))),
    ]
    return "\n".join(parts) + "\n"


# What machines read


def _front_matter(recipe: FinetuneRecipe, name: str, results: Sequence[Results]) -> list[str]:
    tags = ["code", "python", "lintseq", *(["edit-sequences"] if recipe.data.arm == "edits" else [])]
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation"]
    if _HUB_NAME.fullmatch(recipe.model) and not os.path.exists(recipe.model):
        lines.append(f"base_model: {json.dumps(recipe.model)}")
    lines += ["tags:", *(f"- {tag}" for tag in tags)]
    if results:
        lines += ["model-index:", f"- name: {json.dumps(name)}", "  results:"]
        lines += [line for one in results for line in _indexed(one)]
    return [*lines, "---"]


def _indexed(one: Results) -> Iterator[str]:
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


# What people read


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
    outcome, plan, versions = manifest["outcome"], manifest["plan"], manifest.get("versions", {})
    own, reference = plan["own"], plan["reference"]
    how = f"adapters of rank {recipe.lora.rank}, merged" if recipe.lora.rank else "all weights"
    rows = [
        ("parameters", f"{manifest['parameters']:,}"),
        ("trained", f"{how} ({manifest['trained_parameters']:,} parameters)"),
        ("arm", f"{recipe.data.arm}, format {recipe.data.format}" if recipe.data.arm == "edits" else "plain programs"),
        ("data", f"`{_short(recipe.data.train)}`, sha256 of its rows `{manifest['sha256']['train'][:16]}...`"),
        ("rows", f"{own['rows']:,}, each seen {_times(own['row_seen'])}"),
        ("optimiser steps", f"{own['steps']:,} of {plan['batch']:,} examples"),
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
    rows.append((f"`{SEPARATOR}`", f"token {manifest['diff']['id']}; {manifest['diff']['initialised']}"))
    rows.append(("operations", f"{outcome['flops']:.3g}"))
    rows.append(("time", f"{outcome['seconds']:,.0f} s"))
    rows.append(("seed", str(manifest["seed"])))
    rows += [(name, version) for name, version in versions.items()]
    return _table(("what", "how much"), rows)


def _times(seen: Sequence[float]) -> str:
    least, mean, most = seen
    return f"{least} times" if least == most else f"{mean:.1f} times ({least} to {most})"


def _scores(results: Sequence[Results]) -> list[str]:
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


def _without_folders(recipe: FinetuneRecipe) -> FinetuneRecipe:
    """Return a recipe that names files and models as `_short` does."""
    data = replace(
        recipe.data,
        train=_short(recipe.data.train),
        reference=_short(recipe.data.reference),
        validation=_short(recipe.data.validation),
    )
    return replace(recipe, model=_short(recipe.model), tokenizer=_short(recipe.tokenizer), data=data)


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
