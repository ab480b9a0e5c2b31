"""Rejects rows by their license and by what they share with benchmarks, and computes signatures of programs.

A row is contaminated if it contains a large part of a text of a benchmark: n-grams of 13 words (as for GPT-3) that
cover half of it (as for Tulu 3). A single n-gram is not enough, because programmers write the same loops and phrases
again and again. N-grams that a benchmark repeats itself, such as imports or instructions about the form of an answer,
do not count.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, get_args

from lintseq.benchmarks.registry import problem_file
from lintseq.dataset.duplicates import Duplicates, exact_signature, near_signature
from lintseq.errors import BrokenInputError, ConfigError, ProgramError, check_choice
from lintseq.rows import column_list, parse_row, read_rows
from lintseq.rows.fields import COLUMN_NAMES

_TEXT_NAMES = {name for kind in ("instruction", "code", "old", "new", "benchmark") for name in COLUMN_NAMES[kind]} - {
    "input",
    "output",
}
"""Columns of benchmarks with problems and solutions. Tests, their data and other columns do not count."""

CONTAMINATED_SHARE = 0.5
"""Share of a benchmark's text from which on a row is contaminated."""
_COMMON_ROWS = 3
"""N-grams in more rows of a benchmark than this are phrases that do not count."""
_MIN_WORDS = 5
"""Shorter texts of a benchmark do not count: many programs contain `return a + b`."""


@dataclass(frozen=True, slots=True)
class ScreeningOptions:
    """Which rows to keep."""

    license: tuple[str, ...] = ()
    """Keep only rows under this license, such as MIT; may be repeated."""
    license_field: str | None = None
    """Column that holds the license, which records then repeat. Default: found by its usual names."""
    decontaminate: tuple[str, ...] = ()
    """Reject rows that overlap with this benchmark, by name or a file with its problems; may be repeated."""
    ngram: int = 13
    """Number of words in the n-grams that are compared with benchmarks."""
    duplicates: Duplicates = "keep"
    """How to handle duplicate programs: keep them, or drop exact or near duplicates of earlier ones."""
    similarity: float = 0.75
    """Jaccard similarity from which on programs are near duplicates."""

    @property
    def names_licenses(self) -> bool:
        """Whether records repeat the license of their row."""
        return self.license_field is not None or bool(self.license)


def check_screening(options: ScreeningOptions) -> None:
    """Raise `ConfigError` for settings that cannot work."""
    check_choice("treatment of duplicates", options.duplicates, get_args(Duplicates))
    if not 0.3 <= options.similarity <= 1:
        raise ConfigError(f"similarity is {options.similarity:g}, but must be between 0.3 and 1")
    if options.similarity != ScreeningOptions().similarity and options.duplicates != "near":
        raise ConfigError("--similarity has no effect without --duplicates near")
    if options.ngram < 2:
        raise ConfigError(f"ngram is {options.ngram}, but must be at least 2; use 13, or 8 to find more")
    for license in options.license:
        if not _normal_license(license):
            raise ConfigError(f"license {license!r} is not a name; use an SPDX identifier such as MIT or Apache-2.0")
    _benchmarks(options.decontaminate, options.ngram)


def benchmarks_digest(options: ScreeningOptions) -> str:
    """Return a hash of the texts of the benchmarks."""
    digest = blake2b(digest_size=16)
    for text in _benchmarks(options.decontaminate, options.ngram).texts:
        digest.update(" ".join([text.source, *text.words, "\n"]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class Screen:
    """Checks rows one by one. Benchmarks are read once per process."""

    def __init__(self, options: ScreeningOptions) -> None:
        self.options = options
        self._licenses = frozenset(map(_normal_license, options.license))
        self._benchmarks = _benchmarks(options.decontaminate, options.ngram)

    def check(self, row: Mapping[str, Any], instruction: str, program: str, old: str = "") -> None:
        """Raise `ProgramError` if the row is to be rejected."""
        if self._licenses:
            self._check_license(row)
        if self._benchmarks.texts and (found := self._benchmarks.find(instruction, program, old)) is not None:
            raise ProgramError("contaminated", found)

    def signature(self, program: str, old: str = "") -> tuple[int, ...] | None:
        """Return what identifies the program, or its change, for `duplicates.Seen`; None if duplicates are kept."""
        if self.options.duplicates == "exact":
            return exact_signature(program, old)
        if self.options.duplicates == "near":
            return near_signature(program, self.options.similarity, old)
        return None

    def _check_license(self, row: Mapping[str, Any]) -> None:
        names = licenses_of(row, self.options.license_field)
        if not names:
            raise ProgramError("license", f"no license (columns: {column_list(row)})")
        for name in names:
            if not self._allows(name):
                raise ProgramError("license", f"{name!r} is not among {', '.join(self.options.license)}")

    def _allows(self, expression: str) -> bool:
        """Return whether an SPDX expression allows a choice of licenses that are all accepted."""
        if "(" in expression:  # not parsed: all licenses that it names have to be accepted
            expression = re.sub(r"[()]", " ", expression.replace(" OR ", " AND "))
        return any(
            all(_normal_license(name) in self._licenses for name in choice.split(" AND "))
            for choice in expression.split(" OR ")
        )


def licenses_of(row: Mapping[str, Any], field: str | None) -> list[str]:
    """Return the licenses that a row names, which hold together; empty if it names none."""
    if field is None:
        metadata = row.get("metadata")
        nested = metadata if isinstance(metadata, Mapping) else {}  # as in D3
        columns = {name.lower(): value for name, value in [*nested.items(), *row.items()]}
        values = [columns[name] for name in COLUMN_NAMES["license"] if name in columns]
    else:
        values = [row.get(field)]
    for value in values:
        names = [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]
        if any(map(_normal_license, names)):
            return names
    return []


def _normal_license(name: str) -> str:
    """Return the name of a license in normal form: `Apache License, Version 2.0` and `apache_2` are the same."""
    words = re.findall(r"\d+(?:\.\d+)*|[a-z]+", re.sub(r"v(?=\.?\d)", " ", name.lower().replace("+", " or later")))
    kept = [re.sub(r"(\.0)+$", "", word) for word in words if word not in _FILL_WORDS]
    return " ".join(kept)


_FILL_WORDS = {"the", "license", "licence", "version"}


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a benchmark."""

    source: str
    """Where it comes from, for messages."""
    words: tuple[str, ...]
    starts: frozenset[int]
    """Where n-grams that count begin."""


class _Benchmarks:
    """The texts of all benchmarks, with an index of their n-grams."""

    def __init__(self, texts: Sequence[_Text], ngram: int) -> None:
        self.texts = texts
        self.ngram = ngram
        self._whole: dict[tuple[str, ...], int] = {}
        self._ngrams: dict[int, list[int]] = {}
        for number, text in enumerate(texts):
            if len(text.words) < ngram:
                self._whole.setdefault(text.words, number)
            for start in text.starts:
                numbers = self._ngrams.setdefault(hash(text.words[start : start + ngram]), [])
                if not numbers or numbers[-1] != number:
                    numbers.append(number)

    def find(self, *parts: str) -> str | None:
        """Return what the parts of a row share with the benchmarks, for a message; None if it is not enough."""
        hits: Counter[int] = Counter()
        shared: set[tuple[str, ...]] = set()
        for part in parts:
            words = words_of(part)
            if (number := self._whole.get(tuple(words))) is not None:
                return f"the whole of {self.texts[number].source}"
            for start in range(len(words) - self.ngram + 1):
                ngram = tuple(words[start : start + self.ngram])
                if (numbers := self._ngrams.get(hash(ngram))) is not None:
                    shared.add(ngram)
                    hits.update(numbers)
        covered = {number: self._covered(self.texts[number], shared) for number in hits}
        if not covered:
            return None
        number = max(covered, key=lambda number: (covered[number], -number))
        if covered[number] < CONTAMINATED_SHARE:
            return None
        text = self.texts[number]
        start = next(s for s in sorted(text.starts) if text.words[s : s + self.ngram] in shared)
        excerpt = " ".join(text.words[start : start + self.ngram])
        return f"{covered[number]:.0%} of {text.source}: {excerpt!r}"

    def _covered(self, text: _Text, shared: set[tuple[str, ...]]) -> float:
        """Return the share of a text's words that shared n-grams cover, among those that n-grams can cover."""
        n = self.ngram
        coverable: set[int] = set()
        covered: set[int] = set()
        for start in text.starts:
            coverable.update(range(start, start + n))
            if text.words[start : start + n] in shared:
                covered.update(range(start, start + n))
        return len(covered) / len(coverable)


def words_of(text: str) -> list[str]:
    """Return the words, names and numbers of a text in lower case."""
    return re.findall(r"\w+", text.lower())


@lru_cache(maxsize=1)
def _benchmarks(paths: tuple[str, ...], ngram: int) -> _Benchmarks:
    return _Benchmarks([text for path in paths for text in _texts(path, ngram)], ngram)


def _texts(path: str, ngram: int) -> list[_Text]:
    """Return the texts of one benchmark."""
    found: list[tuple[str, tuple[str, ...]]] = []
    rows_with: Counter[tuple[str, ...]] = Counter()
    for name, row in _rows(path):
        ngrams: set[tuple[str, ...]] = set()
        for column, text in _columns(row):
            words = tuple(words_of(text))
            if len(words) >= _MIN_WORDS:
                found.append((f"{column!r} of {name}", words))
                ngrams.update(words[start : start + ngram] for start in range(len(words) - ngram + 1))
        rows_with.update(ngrams)
    if not found:
        raise ConfigError(f"benchmark {path} has no texts to compare with; it needs columns such as prompt and code")
    texts = []
    for source, words in found:
        candidates = range(len(words) - ngram + 1)
        starts = frozenset(start for start in candidates if rows_with[words[start : start + ngram]] <= _COMMON_ROWS)
        if starts or len(words) < ngram:
            texts.append(_Text(source, words, starts))
    return texts


def _rows(path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of a benchmark with their names for messages; an object may hold several rows by id."""
    if path == "-":
        raise ConfigError("every worker reads the benchmark, so it cannot be standard input; name a file")
    path = problem_file(path)
    file = os.path.basename(path.rstrip("/"))
    try:
        for raw in read_rows(path):
            row = parse_row(raw.data)
            if len(row) > 1 and all(isinstance(value, dict) for value in row.values()):
                yield from ((f"{file}:{id}", inner) for id, inner in row.items())
            else:
                yield f"{file}:{raw.number}{_id_of(row)}", row
    except (ProgramError, BrokenInputError) as error:
        raise ConfigError(f"cannot read benchmark {path}: {error}") from None


def _id_of(row: Mapping[str, Any]) -> str:
    name = next((name for name in COLUMN_NAMES["id"] if isinstance(row.get(name), str | int)), None)
    return "" if name is None else f" ({name} {row[name]})"


def _columns(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row that are compared; all of them if no column has a usual name."""
    known = {name: value for name, value in row.items() if name.lower() in _TEXT_NAMES}
    for name, value in (known or row).items():
        for text in _strings(value):
            yield name, text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
