"""`lintseq push`: a folder becomes a repository of the Hugging Face Hub."""

from typing import Annotated

from lintseq.cli.console import print_summary, table
from lintseq.cli.options import Json, Quiet, with_options
from lintseq.reporting.numbers import plural


@with_options()
def push(
    folder: Annotated[str, "FOLDER", "Data set written with --shards, or model trained by finetune or pretrain."],
    repo: Annotated[str, "REPO", "Repository: NAME, or OWNER/NAME. Created if it does not exist."],
    *,
    private: Annotated[bool, "Create the repository as a private one."] = False,
    dry_run: Annotated[bool, "List the files and upload nothing."] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Upload a data set or a model to the Hugging Face Hub.

    The token comes from HF_TOKEN or from `hf auth login`. A folder with files that lintseq did not write, or that
    name local folders, is refused.

    Example: lintseq push edits alice/edits --private
    """
    from lintseq.integrations.hub import push

    report = push(folder, repo, private=private, dry_run=dry_run)
    rows = [(name, f"{size:,} bytes") for name, size in report.files.items()] if dry_run else []
    total = f"{plural(len(report.files), 'file')}, {sum(report.files.values()):,} bytes"
    rows += [(report.kind, total), ("uploaded to", report.url or "nowhere: --dry-run")]
    advice = f"the card names no license; to let others use this {report.kind}: lintseq card {folder} --license ID"
    warnings = [] if report.license else [advice]
    print_summary(report.as_dict(), table(rows), json=json, quiet=quiet, warnings=warnings)
