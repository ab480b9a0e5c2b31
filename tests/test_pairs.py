"""`studies/pairs/make.py`: wheels and other sets become one set of instructions and programs.

The wheels are made here; nothing is downloaded.
"""

import gzip
import importlib.util
import json
import sys
import zipfile
from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lintseq.errors import ProgramError

SCRIPT = Path(__file__).parent.parent / "studies" / "pairs" / "make.py"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pairs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_pairs"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


make = loaded()

MIT = "Classifier: License :: OSI Approved :: MIT License"
DOUBLE = 'def double(value):\n    """Return the double of a value.{}"""\n    total = value + value\n    return total\n'
DOUBLED = "def double(value):\n    total = value + value\n    return total\n"
INSTRUCTION = "Write a Python function `double(value)`.\n\nReturn the double of a value."


def wheel(folder: Path, name: str, files: dict[str, str], metadata: str = MIT) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{metadata}\n\nA package.\n")
        for path, text in files.items():
            archive.writestr(path, text)


def made(folder: Path, packages: Sequence[str], *options: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows of a set, and why others were left out."""
    (folder / "packages.txt").write_text("# remark\n" + "".join(f"{name}  # remark\n" for name in packages))
    output, rejected = folder / "pairs.jsonl.gz", folder / "rejected.jsonl"
    arguments = ["--packages", f"{folder}/packages.txt", "--wheels", f"{folder}/wheels", "--offline"]
    assert make.main([*arguments, "--output", str(output), "--rejected", str(rejected), *options]) == 0
    with gzip.open(output, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    reasons = [json.loads(line) for line in rejected.read_text().splitlines()]
    return rows, {rejection["id"]: rejection["reason"] for rejection in reasons}


def test_a_row_has_its_origin_and_license(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "Some_Package", {"pkg/a.py": DOUBLE.format(""), "pkg/data.txt": "no code"})
    rows, rejected = made(tmp_path, ["some-package==1.0"])
    assert rows == [
        {
            "id": "some-package-1.0/pkg/a.py::double",
            "source": "some-package",
            "version": "1.0",
            "license": "MIT",
            "path": "pkg/a.py",
            "kind": "function",
            "imports": [],
            "instruction": INSTRUCTION,
            "program": DOUBLED,
        }
    ]
    assert not rejected


def test_rejected_rows_have_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = 'def more(value):\n    """Return the value and one more."""\n    return value + 1\n'
    files = {
        "pkg/a.py": DOUBLE.format(""),
        "pkg/b.py": DOUBLE.format("\n\n    See https://stackoverflow.com/a/1.\n    "),
        "pkg/c.py": "# Under the GNU General Public License.\n" + more,
        "pkg/d.py": DOUBLE.format(" Or of two."),
        "pkg/e.py": DOUBLE.format("").replace("value + value", "2 * value"),
        "pkg/f.py": DOUBLE.format(" ").replace("    total", "    pass\n" * 60 + "    total", 1),
        "pkg/g.py": more.replace("def", "import rare.things\n\n\ndef").replace("+ 1", "+ rare.things.one"),
        "pkg/h.py": "def broken(:\n",
        "pkg/tests/i.py": more,
    }
    wheel(tmp_path / "wheels", "some", files)
    wheel(tmp_path / "wheels", "other", {"other.py": more}, "License-Expression: GPL-3.0-only")
    rows, rejected = made(tmp_path, ["some", "other"])
    assert [row["id"] for row in rows] == ["some-1.0/pkg/a.py::double"]
    assert {id.removeprefix("some-1.0/pkg/"): reason for id, reason in rejected.items()} == {
        "b.py::double": "license",
        "c.py": "file: license",
        "d.py::double": "duplicate",
        "e.py::double": "same-instruction",
        "f.py::double": "too-many-lines",
        "g.py::more": "rare-import",
        "h.py": "file: syntax",
        "tests/i.py": "file: test",
    }
    printed = capsys.readouterr().out
    assert "| other | 'GPL-3.0-only' |" in printed
    assert json.loads(printed.splitlines()[-1])["rejections"]["license"] == 1


def test_existing_data_sets_come_first_without_non_commercial_rows(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "some", {"pkg/a.py": DOUBLE.format("")})
    other = tmp_path / "other.jsonl"
    rows = [
        {"id": 1, "license": "MIT (statements (c) Somebody)", "instruction": "Double it.", "program": DOUBLED},
        {"id": 2, "license": "CC-BY-NC-4.0", "instruction": "Say so.", "program": "print('so')"},
        {"id": 3, "instruction": "Say so.", "program": "print('so')"},
        {"id": 4, "license": "CC-BY-4.0", "instruction": "Say so.", "program": "print(so)"},
        {
            "id": 5,
            "license": "CC-BY-4.0",
            "instruction": "Say so.",
            "program": "import os, numpy.linalg as so\nprint(so)",
        },
    ]
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept, rejected = made(tmp_path, ["some"], "--pairs", str(other))
    assert [row["id"] for row in kept] == ["1", "5"]
    assert kept[1]["program"] == "import os, numpy.linalg as so\nprint(so)\n"
    assert [row["imports"] for row in kept] == [[], ["numpy"]]
    assert rejected == {
        "2": "license",
        "3": "license",
        "4": "undefined-name",
        "some-1.0/pkg/a.py::double": "duplicate",
    }


@pytest.mark.parametrize(
    ("program", "repaired"),
    [
        ("print(1)\n", "print(1)\n"),
        ("def f(x: List[int]): ...\n", "from typing import List\n\n\ndef f(x: List[int]): ...\n"),
        ("import re\nmath.sqrt(inf)\n", "import math\nfrom math import inf\nimport re\nmath.sqrt(inf)\n"),
        ("Counter(heappop(unknown))\n", None),
        ("def f():\n    from x import *\n", None),
    ],
)
def test_a_program_gets_the_imports_that_judges_make_for_it(program: str, repaired: str | None) -> None:
    if repaired is not None:
        assert make.with_imports(program) == repaired
    else:
        with pytest.raises(ProgramError):
            make.check_names(make.with_imports(program))


def test_contaminated_rows_are_rejected_for_mbpp_only_those_in_its_test_split(tmp_path: Path) -> None:
    double = DOUBLE.format(" It is the sum of the value and of the same value once more, whatever it may be.")
    triple = double.replace("double", "triple").replace("the sum of the value", "the sum of the double, of the half")
    wheel(tmp_path / "wheels", "some", {"pkg/a.py": double, "pkg/b.py": triple.replace("+ value", "* 3")})
    data = tmp_path / "data"
    (data / "mbpp").mkdir(parents=True)
    (data / "humaneval").mkdir()

    def row(text: str, task: int) -> bytes:
        return json.dumps({"task_id": task, "text": text.split('"""')[1], "code": "pass"}).encode()

    with gzip.open(data / "mbpp" / "mbpp.jsonl.gz", "wb") as file:
        file.write(row(triple, 601) + b"\n" + row('\'"""Something that nobody here asks for, now or ever', 11))
    kept, _ = made(tmp_path, ["some"], "--data", str(data))
    assert len(kept) == 2
    with gzip.open(data / "humaneval" / "HumanEval.jsonl.gz", "wb") as file:
        file.write(row(double, 0))
    kept, rejected = made(tmp_path, ["some"], "--data", str(data))
    assert [row["id"] for row in kept] == ["some-1.0/pkg/b.py::triple"]
    assert rejected == {"some-1.0/pkg/a.py::double": "contaminated"}
    with gzip.open(data / "mbpp" / "mbpp.jsonl.gz", "wb") as file:
        file.write(row(triple, 510))
    assert made(tmp_path, ["some"], "--data", str(data))[0] == []


def test_a_file_under_its_final_name_is_complete(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "some", {"pkg/a.py": DOUBLE.format("")})
    made(tmp_path, ["some"])
    before = (tmp_path / "pairs.jsonl.gz").read_bytes()
    (tmp_path / "wheels" / "some-1.0-py3-none-any.whl").write_bytes(b"no wheel")
    with pytest.raises(zipfile.BadZipFile):
        made(tmp_path, ["some"])
    assert (tmp_path / "pairs.jsonl.gz").read_bytes() == before
    assert (tmp_path / "pairs.jsonl.gz.partial").exists()


LICENSES = {
    "License-Expression: MIT": "MIT",
    "License-Expression: Apache-2.0 OR GPL-2.0-only": "Apache-2.0",
    "License-Expression: BSD-3-Clause AND MIT": "BSD-3-Clause AND MIT",
    "License-Expression: BSD-3-Clause AND LGPL-2.1-only": None,
    "License-Expression: MIT\nClassifier: License :: OSI Approved :: GNU General Public License (GPL)": "MIT",
    "Classifier: License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "Classifier: License :: OSI Approved :: BSD License\nLicense: whatever": "BSD",
    "Classifier: License :: OSI Approved :: BSD License\nLicense: LGPL": None,
    "Classifier: License :: OSI Approved\nLicense: 3-Clause BSD License": "BSD-3-Clause",
    "Classifier: License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Other/Proprietary License": None,
    "License: Apache 2.0": "Apache-2.0",
    "License: Copyright me\n        Permission is hereby granted, free of charge, to any person": "MIT",
    "License: WTFPL": None,
    "License: UNKNOWN": None,
    "Summary: none": None,
}


@pytest.mark.parametrize("metadata", LICENSES)
def test_the_license_in_metadata_is_accepted_if_it_is_permissive(metadata: str) -> None:
    message = Message()
    for line in metadata.replace("\n   ", "\v").split("\n"):
        name, _, value = line.partition(": ")
        message[name] = value.replace("\v", "\n   ")
    if LICENSES[metadata] is None:
        with pytest.raises(ProgramError, match="license"):
            make.license_of(message)
    else:
        assert make.license_of(message) == LICENSES[metadata]


def test_a_requirement_names_its_wheel_whatever_the_spelling(tmp_path: Path) -> None:
    wheel(tmp_path, "Some_Package", {})
    wheel(tmp_path, "some_package_more", {})
    names = [path.name for path in make.wheels_of("some.package==1.0", tmp_path)]
    assert names == ["Some_Package-1.0-py3-none-any.whl"]
    assert make.wheels_of("some-package==1.1", tmp_path) == []


def test_wheels_are_downloaded_and_unavailable_ones_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(tmp_path / "index", "some", {"some-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    assert make.download(["none==1.0", "some==1.0"], tmp_path / "wheels") == ["none==1.0"]
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["some-1.0-py3-none-any.whl"]
    capsys.readouterr()
    assert make.download(["some==1.0"], tmp_path / "wheels") == []
    assert "downloading" not in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"cannot download any of none==1.0:\n(?s:.*)none==1.0"):
        make.download(["none==1.0"], tmp_path / "wheels")


def test_the_list_of_packages_pins_each_once() -> None:
    wanted = make.wanted_packages(SCRIPT.with_name("packages.txt"))
    names = [requirement.partition("==")[0] for requirement in wanted]
    assert len(set(names)) == len(names) > 100
    assert names == [make.normal_name(name) for name in names]
    assert all(requirement.partition("==")[2] for requirement in wanted)
