"""Edit sequences without near duplicates across shards, with datatrove: python with_minhash.py pairs.jsonl edits

Four stages, each a pipeline whose tasks can run anywhere: signatures, pairs in each bucket, clusters, and the build.
"""

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)

from lintseq import BuildOptions
from lintseq.integrations.datatrove import CodeTokenizer, EditSampling, ProgramReader, RecordWriter, minhash_config

if __name__ == "__main__":
    source, output = sys.argv[1:]
    config, tasks, dedup = minhash_config(), 4, f"{output}/minhash"
    sampling = EditSampling(BuildOptions(samples=2), exclusion_writer=RecordWriter(f"{output}/rejected"))
    stages = [
        (tasks, [ProgramReader([source]), MinhashDedupSignature(f"{dedup}/signatures", config, CodeTokenizer())]),
        (config.num_buckets, [MinhashDedupBuckets(f"{dedup}/signatures", f"{dedup}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{dedup}/buckets", f"{dedup}/remove", config=config)]),
        (
            tasks,
            [
                ProgramReader([source]),
                MinhashDedupFilter(f"{dedup}/remove"),
                sampling,
                RecordWriter(f"{output}/records"),
            ],
        ),
    ]
    for number, (count, steps) in enumerate(stages):
        LocalPipelineExecutor(steps, tasks=count, logging_dir=f"{output}/logs/{number}").run()
