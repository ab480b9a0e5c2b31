"""`lintseq tokenizer`: tokenizers trained, or taught that `<|diff|>` is one token."""

from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import plural, table
from lintseq.cli.options import Json, Overwrite

if TYPE_CHECKING:
    from lintseq.lm.tokenizers import Extension, Trained

tokenizer = typer.Typer(
    name="tokenizer",
    help="Train a tokenizer, or teach one that <|diff|> is one token.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Folder = Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="The folder that is written.")]


@tokenizer.command()
def train(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="JSONL, Parquet, CSV, text; a folder or glob of such or of source files; hf:NAME; a URL.",
        ),
    ],
    *,
    vocab: Annotated[int, typer.Option("--vocab", metavar="N", help="Tokens, all told.")],
    output: Folder,
    field: Annotated[
        str, typer.Option(metavar="COLUMN", help="Holds the text. [default: found]", show_default=False)
    ] = "",
    read: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="text; edits or plain for records; files for files of any kind, each a text."
        ),
    ] = "text",
    megabytes: Annotated[
        float | None, typer.Option(min=0.001, metavar="X", help="Of each input, read no more than this.")
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Train a byte-level BPE tokenizer.

    It has the special tokens <|endoftext|> and <|pad|>, and the token <|diff|>, which stands before each edit and
    is not special, so that decoding never drops it. The same inputs, in the same order, give the same tokenizer.
    DIR is one that AutoTokenizer.from_pretrained opens.

    Example: lintseq tokenizer train src docs/*.md --vocab 8192 --output tokenizer
    """
    from lintseq.lm.tokenizers import train_folder

    most = None if megabytes is None else round(megabytes * 1e6)
    done = train_folder(files, output, vocabulary=vocab, field=field, read=read, most=most, overwrite=overwrite)
    typer.echo(dumps(done.as_dict()) if json else shown_training(done, output))
    if done.tokens < vocab:
        typer.echo(f"lintseq: the texts hold no more than {done.tokens:,} tokens, fewer than {vocab:,}", err=True)


@tokenizer.command()
def extend(
    tokenizer: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder with a tokenizer, and maybe a model; a name on the Hub.")
    ],
    *,
    output: Folder,
    multiple: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rows of the embeddings become a multiple of this.")
    ] = 16,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Teach a tokenizer, and its model if there is one, that the separator of edits is one token.

    That is <|diff|>. It is not marked as special, so that it survives decoding, and takes no white space beside
    it; that texts come back as they were is checked. In a model, its row in the embeddings is the mean of those of
    the tokens that its text was before.

    Example: lintseq tokenizer extend HuggingFaceTB/SmolLM2-135M --output smollm2-diff
    """
    from lintseq.lm.tokenizers import extend_folder

    done = extend_folder(tokenizer, output, multiple=multiple, overwrite=overwrite)
    typer.echo(dumps(done.as_dict()) if json else shown_extension(done, output))
    for note in done.notes:
        typer.echo(f"lintseq: {note}", err=True)


def shown_training(done: "Trained", output: str) -> str:
    """Return what a tokenizer was made of, as a table for people."""
    rows = [
        ("texts", f"{done.documents:,}"),
        ("megabytes", f"{done.bytes / 1e6:,.2f}"),
        ("tokens", f"{done.tokens:,}"),
        ("bytes a token", f"{done.bytes_per_token:.2f}"),
        ("<|diff|>", f"token {done.diff}"),
        ("output", output),
    ]
    if done.skipped:
        rows.insert(1, ("left out", f"{plural(done.skipped, 'row')} without a text"))
    return table(rows)


def shown_extension(done: "Extension", output: str) -> str:
    """Return what was done to a tokenizer, as a table for people."""
    rows = [
        ("<|diff|>", f"token {done.id}, {'new' if done.added else 'which it was already'}"),
        ("tokens", f"{done.tokens:,}"),
    ]
    if done.rows is not None:
        rows += [("embeddings", f"{done.rows_before:,} rows, now {done.rows:,}"), ("new row", done.initialized)]
    return table([*rows, ("output", output)])
