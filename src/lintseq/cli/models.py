"""Options of the commands that let a model write: which one it is, where it is run, and how it draws."""

from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Option("--model", "-m", metavar="MODEL", help="A folder, a name on the Hugging Face Hub, or on a server."),
]
BackendName = Annotated[str, typer.Option(metavar="NAME", help="What draws: transformers, openai or vllm.")]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where a server answers, such as http://localhost:8000/v1; $OPENAI_API_KEY is used."
    ),
]
Device = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1. [default: a GPU if there is one]")
]
Dtype = Annotated[
    str, typer.Option(metavar="TYPE", help="Of the weights: float32, bfloat16 or float16; auto is as they are saved.")
]
MaxTokens = Annotated[int, typer.Option(min=1, metavar="N", help="A completion has so many tokens at most.")]
Linted = Annotated[
    bool, typer.Option("--linted", help="Draw edits again that are malformed or leave a state with new findings.")
]
Tries = Annotated[int, typer.Option(min=0, metavar="R", help="With --linted: how often an edit is drawn again.")]
JudgeName = Annotated[
    str, typer.Option(metavar="LINTER", help="With --linted: judges states; none leaves it at malformed edits.")
]
GiveUp = Annotated[
    str, typer.Option(metavar="WHAT", help="With --linted: keep an edit that is bad to the last, or end before it.")
]
StopAfter = Annotated[
    int | None, typer.Option("--stop-after-edits", min=1, metavar="K", help="So many edits are enough.")
]
DrawSeed = Annotated[int, typer.Option(metavar="N", help="Seed of all that is drawn.")]
