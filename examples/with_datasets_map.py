"""Edit sequences with `datasets.map`: python with_datasets_map.py pairs.jsonl edits.jsonl

`IsolatedSampler` is `EditSampler` in a process of its own. With that one itself, a row that crashes would end
the whole map ("One of the subprocesses has abruptly died"), and one that hangs would hang it for ever.
"""

import sys

from datasets import load_dataset

from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.isolated import IsolatedSampler
from lintseq.rows import encode_line

sample = IsolatedSampler(BuildOptions(samples=2))


def lines(batch: dict[str, list]) -> dict[str, list[str]]:
    rows = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
    return {"line": [encode_line(record).decode() for row in rows for record in sample(row).records]}


if __name__ == "__main__":
    source, output = sys.argv[1:]
    data = load_dataset("json", data_files=source, split="train")
    # num_proc=None would work in this process alone; batches are small, so that many rows are not lost to a kill.
    data = data.map(lines, batched=True, batch_size=256, remove_columns=data.column_names, num_proc=2)
    with open(output, "w", encoding="utf-8", newline="") as file:
        file.writelines(data["line"])
