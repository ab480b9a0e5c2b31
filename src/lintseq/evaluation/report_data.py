"""The numbers of a report as plain values, for programs."""

from collections import Counter
from typing import Any

from lintseq.evaluation.report import Report, Section
from lintseq.evaluation.scoring import Interval


def as_dict(report: Report) -> dict[str, Any]:
    """Return pass@k of each run with its interval, how programs ended, and how each two runs differ."""
    return {"sections": [_section(section) for section in report.sections]}


def _section(section: Section) -> dict[str, Any]:
    settings = section.runs[0].results.settings
    return {
        "benchmark": settings["benchmark"],
        **{name: settings[name] for name in ("skip_first", "chosen") if name in settings},
        "title": section.title,
        "remarks": list(section.remarks),
        "runs": {
            run.name: {
                "pass_at_k": {str(k): _interval(one) for k, one in section.scores[run.name].items()},
                "verdicts": dict(Counter(row["verdict"] for row in run.rows).most_common()),
            }
            for run in section.runs
        },
        "differences": [
            {
                "of": one.second,
                "from": one.first,
                "k": one.k,
                "problems": one.problems,
                "difference": _interval(one.interval),
            }
            for one in section.differences
        ],
    }


def _interval(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else found.as_dict()
