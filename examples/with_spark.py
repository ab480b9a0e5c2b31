"""Edit sequences with Spark: PYSPARK_PYTHON=$(which python) python with_spark.py pairs.jsonl edits

Without PYSPARK_PYTHON, Spark's workers may be another Python, one without lintseq. `IsolatedSampler` is
`EditSampler` in a process of its own: with that one itself, a row that crashes would be tried four times and
then end the job, and one that hangs would hang it for ever. Spark sorts the columns of JSON and knows one type
for each; read as text, rows stay as they are.
"""

import sys
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import SparkSession

from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.isolated import IsolatedSampler
from lintseq.rows import encode_line

sample = IsolatedSampler(BuildOptions(samples=2))


def lines(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        records = [record for row in frame["value"] for record in sample(row.encode()).records]
        yield pd.DataFrame({"line": [encode_line(record).decode().rstrip("\n") for record in records]}, dtype=object)


if __name__ == "__main__":
    source, output = sys.argv[1:]
    spark = SparkSession.builder.master("local[2]").getOrCreate()  # on a cluster, spark-submit names the master
    spark.read.text(source).mapInPandas(lines, "line string").write.text(output)
    spark.stop()
