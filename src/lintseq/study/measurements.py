"""What a study measured as a file, from which its report can be written again without training."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lintseq import __version__
from lintseq.errors import ConfigError
from lintseq.lm.backends.backend import SamplingParameters
from lintseq.lm.recipes import as_table
from lintseq.lm.settings import from_table
from lintseq.study.files import Study
from lintseq.study.findings import ResultKey, SeedResult, StudyFindings

MEASUREMENTS = "measurements.json"
"""The file's name, next to `findings.json`."""
_KIND = "measurements of a lintseq study"


def measurements_text(findings: StudyFindings) -> str:
    """Return the file's text: JSON, one result on each line.

    `problems` has for each problem the number of completions and of those that passed.
    """
    head = {
        "kind": _KIND,
        "version": __version__,
        "study": as_table(findings.study),
        "trainings": findings.trainings,
        "seconds": findings.seconds,
        "commands": findings.commands.split("\n"),
    }
    rows = [
        {"benchmark": benchmark, "arm": arm, "setting": asdict(setting), "seed": result.seed}
        | {"summary": result.summary, "problems": result.counts}
        for (benchmark, arm, setting), results in findings.results.items()
        for result in results
    ]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "results": [\n{lines}\n]}}\n'


def is_measurements(path: str) -> bool:
    """Return whether a path names such a file rather than a study."""
    return path.endswith(".json")


def read_measurements(path: str) -> StudyFindings:
    """Return the findings in a file. Raises `ConfigError` if it is something else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("kind") != _KIND:
        raise ConfigError(f"{path} does not contain the {_KIND}; name a study, an archive or a {MEASUREMENTS}")
    try:
        return _findings(data, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged: {type(error).__name__} {error}") from None


def _findings(data: Mapping[str, Any], path: str) -> StudyFindings:
    study = from_table(data["study"], Study, path)
    results: dict[ResultKey, list[SeedResult]] = {}
    titles = [benchmark.title for benchmark in study.benchmarks]
    for row in data["results"]:
        if row["arm"] not in study.arms or row["benchmark"] not in titles:
            raise ConfigError(f"{path} has results of {row['arm']} on {row['benchmark']}, which are not in its study")
        setting = SamplingParameters(**{**row["setting"], "stop": tuple(row["setting"]["stop"])})
        counts = {problem: (int(n), int(c)) for problem, (n, c) in row["problems"].items()}
        if any(not 0 <= c <= n for n, c in counts.values()):
            raise ConfigError(f"{path} has more passing completions of a problem than completions")
        result = SeedResult(int(row["seed"]), counts, row["summary"])
        results.setdefault((row["benchmark"], row["arm"], setting), []).append(result)
    if not results:
        raise ConfigError(f"{path} has no results")
    for (benchmark, arm, _), found in results.items():
        if len({result.seed for result in found}) < len(found):
            raise ConfigError(f"{path} has several results of {arm} on {benchmark} with the same seed")
    return StudyFindings(study, results, data["trainings"], data["seconds"], "\n".join(data["commands"]))
