"""The package: its metadata, its page on a package index, and its container."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import lintseq

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def test_links_of_the_readme_work_on_a_package_index() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for step in PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(step["pattern"], step["replacement"], text)
    text = text.replace("$HFPR_VERSION", lintseq.__version__)
    links = re.findall(r"\]\((\S+?)\)", text)
    repository = PROJECT["project"]["urls"]["Homepage"]
    own = [re.sub(r"#.*", "", link).partition(f"/v{lintseq.__version__}/")[2] for link in links if "/lintseq/" in link]
    assert len(own) > 20
    assert all((ROOT / path).exists() for path in own)
    assert all(link.startswith(("https://", "#")) for link in links)
    assert repository in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_extra_all_has_every_extra() -> None:
    (names,) = re.findall(r"^lintseq\[(.*)\]$", EXTRAS["all"][0])
    assert set(names.split(",")) == EXTRAS.keys() - {"all"}


def test_every_extra_that_a_message_names_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("*.md")]
    found = {name for text in texts for name in re.findall(r"lintseq\[([a-z]+)\]", text)}
    assert found <= EXTRAS.keys()
    assert len(found) > 5


# The container


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile with their arguments."""
    lines = "\n".join(line for line in text.split("\n") if not line.startswith("#")).replace("\\\n", " ").split("\n")
    for line in filter(str.strip, lines):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def run_dockerfile(path: Path, image: Path, arguments: str) -> str:
    """Run the commands of a Dockerfile in a folder that stands for the image, and return what its container prints.

    A virtual environment stands for the Python of the base image, and subfolders for those copied to. No
    user is added, and the commands run as the user of the test.
    """
    found = list(instructions(path.read_text(encoding="utf-8")))
    copies = [[part for part in rest.split() if not part.startswith("--")] for word, rest in found if word == "COPY"]
    folders = {target: image / target.strip("/") for *_, target in copies}
    subprocess.run([sys.executable, "-m", "venv", image / "python"], check=True)
    environment = {"PATH": f"{image / 'python' / 'bin'}:/usr/bin:/bin", "HOME": str(image)}
    environment |= {
        name: value.strip('"') for word, rest in found if word in ("ARG", "ENV") for name, value in [rest.split("=")]
    }
    (image / "work").mkdir()

    def run(command: str) -> str:
        for name, folder in folders.items():
            command = re.sub(rf"(?<![\w.]){name}\b", str(folder), command)
        done = subprocess.run(
            ["sh", "-ec", command], cwd=image / "work", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    for name in re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8")):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (image / "src").mkdir(exist_ok=True)
        copy(ROOT / name, image / "src" / name)
    for word, rest in found:
        if word == "RUN" and not rest.startswith("useradd "):
            run(rest)
    return run(f"{shlex.join(json.loads(dict(found)['ENTRYPOINT']))} {arguments}")


def test_the_container_has_a_user_and_an_entry_point() -> None:
    found = list(instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    last = dict(found)
    assert ("COPY", ". /src") in found
    assert ("RUN", f"useradd --create-home --uid 1000 {last['USER']}") in found
    assert json.loads(last["ENTRYPOINT"]) == ["lintseq"]
    assert last["WORKDIR"] == "/work"
    versions = PROJECT["project"]["classifiers"]
    assert all(
        f"Programming Language :: Python :: {rest.split(':')[1].split('-')[0]}" in versions
        for word, rest in found
        if word == "FROM"
    )


@pytest.mark.slow
def test_the_commands_of_the_dockerfile_make_a_container_that_works(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    arguments = "recipes copy examples >/dev/null; lintseq sample examples/growing.py --seed 2"
    printed = run_dockerfile(ROOT / "Dockerfile", tmp_path / "image", arguments)
    assert printed.startswith("growing.py, seed 2, draw 0: 4 edits")
