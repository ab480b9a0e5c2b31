"""Programming languages: everything lintseq knows about each."""
