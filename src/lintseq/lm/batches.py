"""Batches: rows of token ids collated into the tensors that a causal language model is trained on.

A batch holds `input_ids` and `labels` of the same shape `(rows, length)`; labels are not shifted, and are `IGNORED`
where no loss is computed. Padded batches also hold `attention_mask`. Batches whose rows contain several documents hold
`position_ids`, which start at 0 in each document: transformers restricts attention to a document by them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

IGNORED = -100
"""Label of tokens that contribute no loss."""

Collate = Callable[[list[Any]], "dict[str, torch.Tensor]"]
"""Makes a batch of rows."""


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its completion as token ids, of which the completion is trained on."""

    ids: "NDArray[np.uint32]"
    """Shape `(length,)`: the prompt followed by the completion."""
    prompt: int
    """Number of prompt tokens."""

    def tensors(self) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return ids and labels, both of shape `(length,)`."""
        import torch

        ids = torch.tensor(self.ids.astype("int64"))
        labels = ids.clone()
        labels[: self.prompt] = IGNORED
        return ids, labels


def padded(examples: Sequence[Example], *, pad: int) -> "dict[str, torch.Tensor]":
    """Return a batch of shape `(examples, longest)`, padded on the right with the token `pad`."""
    from torch.nn.utils.rnn import pad_sequence

    rows = [example.tensors() for example in examples]
    ids = pad_sequence([ids for ids, _ in rows], batch_first=True, padding_value=pad)
    labels = pad_sequence([labels for _, labels in rows], batch_first=True, padding_value=IGNORED)
    mask = pad_sequence([ids.new_ones(len(ids)) for ids, _ in rows], batch_first=True)
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def packed(examples: Sequence[Example]) -> "dict[str, torch.Tensor]":
    """Return a batch of shape `(1, tokens)`: all examples concatenated, without padding."""
    import torch

    rows = [example.tensors() for example in examples]
    return {
        "input_ids": torch.cat([ids for ids, _ in rows])[None],
        "labels": torch.cat([labels for _, labels in rows])[None],
        "position_ids": torch.cat([torch.arange(len(ids)) for ids, _ in rows])[None],
    }


def stacked(rows: "Sequence[dict[str, NDArray[np.int64]]]") -> "dict[str, torch.Tensor]":
    """Return a batch of shape `(rows, length)` of rows that have the same length."""
    import numpy as np
    import torch

    return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
