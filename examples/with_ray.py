"""Edit sequences with Ray Data: python with_ray.py pairs.jsonl edits

On a cluster (RAY_ADDRESS=head:6379), both paths have to be on storage that all nodes share. Each task writes its own
Parquet files.
"""

import sys

import ray

from lintseq import BuildOptions
from lintseq.integrations.ray import sample_dataset

if __name__ == "__main__":
    source, output = sys.argv[1:]
    programs = ray.data.read_json(source, lines=True)
    options = BuildOptions(samples=2, shape="prompt-completion")
    sample_dataset(programs, options, rejected=f"{output}-rejected").write_parquet(output)
