"""Edit sequences of a corpus on Slurm, with datatrove: python with_datatrove.py corpus edits

`corpus` is a folder of Parquet files with the columns of The Stack, on storage that all nodes share, as `edits` is.
Each task writes its own file. Run it again after an interruption: tasks that are complete are skipped.
"""

import os
import sys

from datatrove.executor import SlurmPipelineExecutor
from datatrove.pipeline.readers import ParquetReader

from lintseq import BuildOptions
from lintseq.integrations.datatrove import EditSampling, RecordWriter

if __name__ == "__main__":
    corpus, output = sys.argv[1:]
    steps = [
        ParquetReader(corpus, text_key="content", id_key="hexsha"),
        EditSampling(BuildOptions(samples=5, min_edits=2), exclusion_writer=RecordWriter(f"{output}/rejected")),
        RecordWriter(f"{output}/records", output_filename="${rank}.jsonl.zst"),
    ]
    slurm = {"partition": "cpu", "time": "12:00:00", "mem_per_cpu_gb": 4, "venv_path": f"{sys.prefix}/bin/activate"}
    tasks = int(os.environ.get("TASKS", "1000"))  # more than cores, so that none waits long for the last one
    SlurmPipelineExecutor(steps, tasks=tasks, workers=200, logging_dir=f"{output}/logs", **slurm).run()
