"""A deduplicated, decontaminated set of edit sequences with datatrove: python with_datatrove.py corpus edits humaneval

`corpus` is what `lintseq build` reads, such as a folder of Parquet files with programs, or with two versions of each.
`humaneval` is a benchmark, or a file with problems, that the data must not contain. A fourth argument, `slurm` or
`ray`, chooses a cluster, whose nodes share the folders. Each of TASKS tasks writes its own file. Run the command again
after an interruption: tasks that are complete are skipped.
"""

import os
import sys

from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor, SlurmPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster

from lintseq import BuildOptions, ScreeningOptions
from lintseq.integrations.datatrove import DuplicateSignatures, EditSampling, ProgramReader, RecordWriter

EXECUTORS = {
    "local": (LocalPipelineExecutor, {"workers": os.cpu_count()}),
    "ray": (RayPipelineExecutor, {"mem_per_cpu_gb": 1}),
    "slurm": (
        SlurmPipelineExecutor,
        {"partition": "cpu", "time": "12:00:00", "mem_per_cpu_gb": 4, "venv_path": f"{sys.prefix}/bin/activate"},
    ),
}

if __name__ == "__main__":
    corpus, output, benchmark, engine = [*sys.argv[1:], "local"][:4]
    tasks = int(os.environ.get("TASKS", "100"))  # more than cores, so that none waits long for the last one
    screening = ScreeningOptions(decontaminate=(benchmark,), duplicates="exact")  # or "near"
    options = BuildOptions(samples=2, min_edits=2, screening=screening)
    reader = ProgramReader([corpus])
    signatures = DuplicateSignatures(f"{output}/signatures", options)
    sampling = EditSampling(
        options, duplicates=f"{output}/duplicates", exclusion_writer=RecordWriter(f"{output}/rejected")
    )
    config, count = signatures.config, signatures.config.num_buckets
    stages = [
        (tasks, [reader, signatures]),
        (count, [MinhashDedupBuckets(f"{output}/signatures", f"{output}/matches", config=config)]),
        (1, [MinhashDedupCluster(f"{output}/matches", f"{output}/duplicates", config=config)]),
        (tasks, [reader, sampling, RecordWriter(f"{output}/records", output_filename="${rank}.jsonl.zst")]),
    ]
    Executor, settings = EXECUTORS[engine]
    stage = None
    for number, (tasks, steps) in enumerate(stages):
        stage = Executor(steps, tasks=tasks, depends=stage, logging_dir=f"{output}/logs/{number}", **settings)
    stage.run()
