"""Edit sequences of a corpus on Slurm, with datatrove: python with_datatrove_on_slurm.py corpus edits

`corpus` is a folder of Parquet files with the columns of The Stack (`content`, `hexsha`, `max_stars_repo_licenses`),
on a file system that all nodes see, as `edits` is. Run it again after it was stopped, and what is done stays done.
"""

import os
import sys

from datatrove.executor import SlurmPipelineExecutor
from datatrove.pipeline.readers import ParquetReader

from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.datatrove import EditSampling, RecordWriter

TASKS = int(os.environ.get("TASKS", "1000"))
"""Files of the output; more tasks than cores, so that none waits long for the last one."""


def without_huge_ones(documents, rank, world_size):
    """Stands for the filters of your choice."""
    return (document for document in documents if len(document.text) < 100_000)


if __name__ == "__main__":
    corpus, output = sys.argv[1:]
    options = BuildOptions(samples=5, min_edits=2, shape="prompt-completion")
    SlurmPipelineExecutor(
        pipeline=[
            ParquetReader(corpus, text_key="content", id_key="hexsha"),
            without_huge_ones,
            EditSampling(options, exclusion_writer=RecordWriter(f"{output}/rejected")),
            RecordWriter(f"{output}/records", "${rank}.jsonl.zst"),
        ],
        tasks=TASKS,
        workers=200,  # tasks at once
        time="12:00:00",
        partition=os.environ.get("PARTITION", "cpu"),
        cpus_per_task=1,
        mem_per_cpu_gb=4,
        venv_path=os.environ.get("VIRTUAL_ENV", ".venv") + "/bin/activate",
        logging_dir=f"{output}/logs",
        job_name="lintseq",
    ).run()
