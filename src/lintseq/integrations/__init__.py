"""lintseq inside other tools' pipelines: what they call is here, and each is imported by itself."""
