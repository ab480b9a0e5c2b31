"""The site of the documentation: complete, strict about links, with the API in its search and linked from code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("furo")
pytest.importorskip("myst_parser")

ROOT = Path(__file__).parents[1]


def build(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--nitpicky", "--conf-dir", str(ROOT / "docs")]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_page_of_the_repository_is_on_the_site(site: Path) -> None:
    folders = ("docs", "benchmarks", "examples", "studies")
    patterns = ("*.md", "examples/*.ipynb", *(f"{folder}/**/*.md" for folder in folders))
    pages = {str(path.relative_to(ROOT).with_suffix("")) for pattern in patterns for path in ROOT.glob(pattern)}
    found = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    assert found == pages | {"index", "search"}
    assert "url=docs/index.html" in (site / "index.html").read_text()


@pytest.mark.slow
def test_names_are_found_by_search_and_linked_from_code(site: Path) -> None:
    index = (site / "searchindex.js").read_text()
    objects = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["objects"]["lintseq"]
    assert {name[-1] for name in objects} >= {"build", "BuildOptions", "Evaluation", "Sandbox"}
    page = (site / "README.html").read_text()
    links = dict(re.findall(r'<a class="name" href="([^"]+)"><span class="n">(\w+)</span>', page))
    assert links["docs/api/edit-sequences.html#programsampler"] == "ProgramSampler"
    for link in links:
        path, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in (site / path).read_text()


@pytest.mark.slow
def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    links = ["[there](no-page.md)", "[there](#no-heading)", "[there](index.md#no-anchor)", "![there](no-image.png)"]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("\n\n".join(["# Title", *links]))
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert all(name in done.stderr for name in ("no-page", "no-heading", "no-anchor", "no-image"))
