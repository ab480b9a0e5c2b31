"""Edit sequences with Dask: python with_dask.py pairs.jsonl 'edits-*.jsonl'

`IsolatedSampler` is `EditSampler` in a process of its own: Dask works in threads, in which rows have no time
limit, and a row that crashes would take four workers with it before Dask gives up (KilledWorker).
"""

import sys
from collections.abc import Iterable

import dask.bag
from distributed import Client, LocalCluster

from lintseq.dataset.sampler import BuildOptions
from lintseq.integrations.isolated import IsolatedSampler
from lintseq.rows import encode_line

sample = IsolatedSampler(BuildOptions(samples=2))


def lines(rows: Iterable[str]) -> list[str]:
    records = (record for row in rows for record in sample(row.encode()).records)
    return [encode_line(record).decode().rstrip("\n") for record in records]


if __name__ == "__main__":
    source, output = sys.argv[1:]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        rows = dask.bag.read_text(source, blocksize="64KiB", encoding="utf-8")  # "64MiB" for real
        rows.map_partitions(lines).to_textfiles(output, last_endline=True)
