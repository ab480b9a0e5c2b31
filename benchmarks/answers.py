"""How many contest problems accept several answers: known by name, and estimated from the words of the statement?

The estimate was written on the 300 training problems of CodeContests, and the other files were looked at afterwards.
Their sentences that count as a sign of several answers are listed, to be read.
"""

from pathlib import Path

from common import Report, Table, arguments, data_folder

from lintseq.benchmarks.contests import KNOWN, sentence_about_answers
from lintseq.benchmarks.loading import read_problem_rows

FILES = (
    ("codecontests/codecontests_train_300.jsonl.gz", "name", "description"),
    ("codecontests/codecontests_test_165_statements.jsonl.gz", "task_id", "prompt"),
    ("codecontests/codecontests_sample_20_sandboxfusion.jsonl.gz", "id", "content"),
    ("apps/apps_selected150_mapcoder.jsonl.gz", "name", "description"),
)
"""File, column of the name, and column of the statement."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, help="folder of the benchmark files")
    options = parser.parse_args()
    data = data_folder(options.data)
    report = Report("answers", "Contest problems that accept several answers")
    counts, sentences = [], []
    for path, name, statement in FILES:
        file = Path(path).name.partition(".")[0]
        rows = read_problem_rows(str(data / path), (name, statement))
        known = {str(row[name]).strip() for row in rows} & KNOWN
        found = {
            str(row[name]).strip(): sentence for row in rows if (sentence := sentence_about_answers(row[statement]))
        }
        counts.append([file, len(rows), len(known), len(found), len(found.keys() & known)])
        sentences += [[file, *pair] for pair in found.items() if path != FILES[0][0]]
    header = ["file", "problems", "known by name", "estimated", "of the known"]
    report.tables.append(Table("Problems", header, counts))
    report.tables.append(Table("Sentences", ["file", "problem", "sentence"], sentences))
    report.notes.append(
        "Known by name: the accepted solution in the training split prints another answer than the file. The sentences"
        " of CodeContests/100 and CodeContests/108 are about choices of a player, not of the program."
    )
    report.publish(options.results)


if __name__ == "__main__":
    main()
