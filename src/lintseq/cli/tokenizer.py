"""`lintseq tokenizer`: train tokenizers, and add `<|diff|>` to existing ones."""

from dataclasses import asdict
from typing import Annotated

import typer

from lintseq.cli import new_app
from lintseq.cli.console import print_summary, table
from lintseq.cli.options import Json, Overwrite, Quiet, with_options
from lintseq.lm.tokenizers import TokenizerOptions
from lintseq.reporting.numbers import plural

_HELP = "Train a tokenizer, or add <|diff|>, the separator of edits, to an existing one."
tokenizer = new_app(name="tokenizer", help=_HELP, no_args_is_help=True)

Output = Annotated[str, "DIR", "Folder for the result."]


@tokenizer.command()
@with_options()
def train(
    inputs: Annotated[list[str], "INPUT", "JSONL, Parquet, CSV, text, source files; folder, glob, hf:NAME, or URL."],
    *,
    output: Output,
    options: TokenizerOptions,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a byte-level BPE tokenizer.

    It has the special tokens <|endoftext|> and <|pad|>, and the token <|diff|>, which precedes each edit and is not
    special, so that decoding never drops it. The same inputs in the same order give the same tokenizer.
    AutoTokenizer.from_pretrained opens DIR.

    Example: lintseq tokenizer train src docs/*.md --vocab 8192 --output tokenizer
    """
    from lintseq.lm.tokenizers import train_tokenizer

    trained = train_tokenizer(inputs, output, options, overwrite=overwrite)
    rows = [
        ("texts", f"{trained.documents:,}"),
        *([("skipped", f"{plural(trained.skipped, 'row')} without a text")] if trained.skipped else []),
        ("megabytes", f"{trained.bytes / 1e6:,.2f}"),
        ("tokens", f"{trained.tokens:,}"),
        ("bytes per token", f"{trained.bytes_per_token:.2f}"),
        ("<|diff|>", f"token {trained.diff}"),
        ("output", output),
    ]
    warning = f"the texts have only {trained.tokens:,} tokens, fewer than {options.vocab:,}"
    print_summary(
        asdict(trained), table(rows), json=json, quiet=quiet, warnings=[warning] * (trained.tokens < options.vocab)
    )


@tokenizer.command()
@with_options()
def extend(
    model: Annotated[str, "MODEL", "Folder with a tokenizer and possibly a model, or a name on the Hub."],
    *,
    output: Output,
    multiple: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pad the number of embeddings to a multiple of this.")
    ] = 16,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Add <|diff|>, the separator of edits, to a tokenizer and its model, if there is one.

    The token is not special, so that it survives decoding, and it strips no whitespace; that texts survive encoding
    and decoding is checked. Its embedding is the mean of the embeddings of the tokens that the text was before.

    Example: lintseq tokenizer extend HuggingFaceTB/SmolLM2-135M --output smollm2-diff
    """
    from lintseq.lm.tokenizers import extend_tokenizer

    extension = extend_tokenizer(model, output, multiple=multiple, overwrite=overwrite)
    rows = [
        ("<|diff|>", f"token {extension.id}, {'new' if extension.added else 'already one token'}"),
        ("tokens", f"{extension.tokens:,}"),
    ]
    if extension.rows is not None:
        rows.append(("embeddings", f"{extension.rows_before:,}, now {extension.rows:,}"))
        rows.append(("new embedding", extension.initialized))
    rows.append(("output", output))
    print_summary(asdict(extension), table(rows), json=json, quiet=quiet, warnings=extension.notes)
