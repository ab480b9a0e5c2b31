"""Files on disk: atomic writes, append-only files, resumable runs, process pools."""
