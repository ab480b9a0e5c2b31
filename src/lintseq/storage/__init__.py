"""Output that survives interruption: atomic writes, append-only files, resumable runs, locks, process pools, batches.

Knows nothing about the contents: settings and progress are plain values that come in as arguments. A run writes to
`NAME.partial` and renames it when it is complete, so a file under its final name is never partial. A run that was
killed at any point continues from what it saved last, and its bytes are those of an uninterrupted run:

    with WorkDirectory("rows.jsonl", settings, manifest="rows.manifest.json", resume=True) as work:
        if work.manifest is not None:  # an earlier run completed
            return work.manifest
        saved = work.progress or {"rows": 0, "mark": None}
        file = AppendFile(work.file("rows.jsonl"), saved["mark"])
        timer = SaveTimer(1.0)
        rows = saved["rows"]
        batches = batched(islice(source, rows, None), 64, max_bytes=1 << 16, size=len)
        for batch, result in map_in_order(make_work, batches, workers=2):
            file.write(result)
            rows += len(batch)
            timer.run(lambda: work.save({"rows": rows, "mark": file.mark()}))
        file.close()
        work.finish([(file.path, work.target)], {"rows": rows})
    return work.manifest

- A target that is a directory has its manifest in it: leave out `manifest`, write to a directory below `work.path`
  and let `finish` rename that. Directories may be shared, so their manifest names local files without their folders;
  where it would have had folders, the settings as they are come next to it, in `NAME.local.json`. Without a manifest
  and without `save`, this is an all-or-nothing directory.
- `save` records how far the run is. Mark files before, and pass their marks: what was written after the last `save`
  is cut off when the run continues. What must survive an exception has to be saved while it passes.
- `settings` are whatever the output depends on. A run with other ones is not resumed but refused, with the
  differences. Leaving the context without `finish` keeps saved progress and deletes everything else.
- Only one process can have a working directory open; another one gets a `ConfigError`.
"""

from lintseq.storage.append import COMPRESSIONS, AppendFile
from lintseq.storage.batches import batched
from lintseq.storage.files import OutputStream, open_file, suffix_of, sync_directory, uninterrupted, write_atomically
from lintseq.storage.pool import PartIsolation, default_workers, map_in_order
from lintseq.storage.public import public
from lintseq.storage.work import (
    MANIFEST,
    SaveTimer,
    WorkDirectory,
    check_settings,
    check_writable,
    lock_directory,
    read_manifest,
)
