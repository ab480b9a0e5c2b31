"""The documentation as a web site: `make docs`.

Sphinx reads the repository's Markdown as it is, from the root of the repository, so that links work in both. What only
the site needs is added here: the tables of contents, and links from code to the API.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

import lintseq

project = "lintseq"
author = "The lintseq authors"
release = lintseq.__version__
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "benchmarks/**.md", "examples/**.md", "examples/*.ipynb", "studies/**.md"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
exclude_patterns = [".*", "dist", "out", "src", "tests"]
nitpicky = True
smartquotes = False  # they would turn the dashes of options into one
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"lintseq {release}"
pygments_style = "default"
pygments_dark_style = "github-dark"
html_copy_source = False
html_use_index = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

API = dict(re.findall(r"^\| \[`(\w+)`\]\((api/[\w-]+)\.md#", Path(__file__).with_name("api.md").read_text(), re.M))
"""The page of each public name, below `docs`."""
CONTENTS = {
    "docs/index": {
        "Start": ["Overview </README>", "docs/how-it-works", "docs/versions", "examples/from_pairs_to_a_model"],
        "Data": [
            "docs/data-format",
            "docs/formats",
            "docs/linters",
            "docs/looking",
            "docs/sharing",
            "docs/on-a-cluster",
        ],
        "Models": ["docs/pretraining", "docs/finetuning", "docs/recipes", "docs/generation", "docs/integrations"],
        "Evaluation": ["docs/evaluate", "docs/sandbox"],
        "Findings": ["docs/studies", "docs/log", "docs/compared-with-pylintseq", "benchmarks/README"],
        "Reference": ["docs/cli", "docs/api", "docs/architecture", "examples/README", "CHANGELOG", "CONTRIBUTING"],
    },
    "docs/studies": {"Reports": ["docs/results/*/report", "studies/pairs/README"]},
    "docs/api": {"Topics": [f"docs/{page}" for page in dict.fromkeys(API.values())]},
    "benchmarks/README": {"Results": ["benchmarks/results/*"]},
    "examples/README": {"The small world": ["examples/nano/README"]},
}
"""The pages below each page, by heading. Relative to the root."""


def add_contents(app: Sphinx, page: str, text: list[str]) -> None:
    for caption, pages in CONTENTS.get(page, {}).items():
        entries = "\n".join(entry if "<" in entry else f"/{entry}" for entry in pages)
        text[0] += f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{entries}\n```\n"


def add_names(app: Sphinx, tree: nodes.document) -> None:
    """Make the headings of the API findable by search and by other projects' documentation."""
    for section in tree.findall(nodes.section):
        name = section[0].astext()
        if app.env.docname == f"docs/{API.get(name)}" and isinstance(section.parent, nodes.section):
            kind = "function" if name.islower() else "class"
            app.env.domains.python_domain.note_object(f"lintseq.{name}", kind, section["ids"][0], location=section)


def link_names(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None) -> None:
    """Link public names in Python code to where they are described."""

    def link(match: re.Match[str]) -> str:
        found = app.env.domains.python_domain.objects.get(f"lintseq.{match[2]}")
        if found is None or (not match[1] and match[2].islower()):
            return match[0]
        uri = relative_uri(app.builder.get_target_uri(page), app.builder.get_target_uri(found.docname))
        return f'{match[1]}<a class="name" href="{uri}#{found.node_id}">{match[0].removeprefix(match[1])}</a>'

    code = r'((?:<span class="n">lintseq</span><span class="o">\.</span>)?)<span class="n">(\w+)</span>'
    context["body"] = re.sub(code, link, context.get("body", ""))


def add_redirect(app: Sphinx, error: Exception | None) -> None:
    start = (
        '<meta charset="utf-8"><meta http-equiv="refresh" content="0; url=docs/index.html"><title>lintseq</title>\n'
    )
    Path(app.outdir, "index.html").write_text(start, encoding="utf-8")


class NotebookParser(MystParser):
    """Reads a notebook as the Markdown of its cells and their outputs."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        parts = [part for cell in json.loads(inputstring)["cells"] for part in markdown_of(cell)]
        super().parse("\n\n".join(parts), document)


def markdown_of(cell: dict[str, Any]) -> Iterator[str]:
    text = "".join(cell["source"])
    yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
    printed = "".join(line for output in cell.get("outputs", ()) for line in output.get("text", ()))
    if printed:
        yield f"```text\n{printed}\n```"


def setup(app: Sphinx) -> None:
    app.add_source_parser(NotebookParser)
    app.connect("source-read", add_contents)
    app.connect("doctree-read", add_names)
    app.connect("html-page-context", link_names)
    app.connect("build-finished", add_redirect)
