"""What models write, judged: benchmarks, their tests, pass@k and what else can be counted."""
