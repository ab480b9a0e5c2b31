"""Edit sequences with Ray Data: python with_ray.py pairs.jsonl edits

A folder of JSON lines, without order; `lintseq build --engine ray` gives files with the bytes of any other
build. `IsolatedSampler` is `EditSampler` in a process of its own: with that one itself, Ray would try a row
that crashes again and again, without end. Stopped and started again, this goes on: a checkpoint says which
rows are done, told by their ids. It saves by blocks, so blocks have to be small; one block is one task.
"""

import os
import sys

import ray
from ray.data.checkpoint import CheckpointConfig

from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.isolated import IsolatedSampler

sample = IsolatedSampler(BuildOptions(samples=2, shape="prompt-completion"))


def records(row: dict) -> dict:
    return {"id": row["id"], "records": sample(row).records}


if __name__ == "__main__":
    source, output = sys.argv[1:]
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = CheckpointConfig(
        id_column="id", checkpoint_path=os.path.abspath(f"{output}.checkpoint")
    )
    rows = ray.data.read_json(source, lines=True, override_num_blocks=8)
    rows.map(records, num_cpus=1, max_retries=3).write_json(output)
