"""Which rows are wanted by what they hold: their license, what they share with benchmarks, duplicates.

Owns the license filter and decontamination, row by row. Which programs were there before is kept by
`duplicates`; here is only what they are told by.

A row is contaminated if it holds a good part of a text of a benchmark: of the runs of 13 words (GPT-3's
measure) that make up the text, so many that they cover half of it (Tulu 3's). Single runs are not enough:
programmers write the same loops and the same phrases. Runs that a benchmark itself repeats, like imports
and instructions for the form of an answer, tell nothing and do not count.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from lintseq.dataset.duplicates import DUPLICATES, EXACT, KEEP, NEAR, exact_signature, near_signature
from lintseq.errors import ConfigError, ProgramError
from lintseq.rows import BrokenInputError, parse_row, read_rows
from lintseq.rows.fields import CODE_NAMES, ID_NAMES, INSTRUCTION_NAMES, LICENSE_NAMES

_TEXT_NAMES = {
    *INSTRUCTION_NAMES,
    *CODE_NAMES,
    "complete_prompt",
    "instruct_prompt",
    "code_prompt",
    "docstring",
    "buggy_solution",
    "reference_code",
    "reference_solution",
    "solutions",
    "solution_python3",
    "statement",
} - {"input", "output"}
"""Columns of benchmarks that hold what is asked and what solves it; tests, their data and other columns do not
count."""

COVERED = 0.5
"""The share of a benchmark's text that a contaminated row holds."""
_COMMON_ROWS = 3
"""Runs of words that more rows of a benchmark have are phrases of it that tell nothing."""
_LEAST_WORDS = 5
"""Shorter texts of a benchmark are not looked for: `return a + b` is nobody's."""


@dataclass(frozen=True, slots=True)
class ScreeningOptions:
    """Which rows are wanted."""

    licenses: tuple[str, ...] = ()
    """Keep only rows under one of these; empty keeps all."""
    license_field: str | None = None
    """Where rows name their license; None is for finding it by the usual names."""
    decontaminate: tuple[str, ...] = ()
    """Benchmarks, anything that inputs can be."""
    ngram: int = 13
    """Words in a run that is looked for in benchmarks."""
    duplicates: str = KEEP
    """What becomes of programs that were there before: `keep`, or leave out `exact` or `near` ones."""
    similarity: float = 0.75
    """The Jaccard index from which on programs are near duplicates."""

    @property
    def names_licenses(self) -> bool:
        """Whether records repeat the license of their row."""
        return self.license_field is not None or bool(self.licenses)


def check_screening(options: ScreeningOptions) -> None:
    """Raise `ConfigError` for settings that cannot work."""
    if options.duplicates not in DUPLICATES:
        raise ConfigError(
            f"unknown treatment of duplicates {options.duplicates!r}; use one of {', '.join(DUPLICATES)}"
        )
    if not 0.3 <= options.similarity <= 1:
        raise ConfigError(f"similarity is {options.similarity:g}, but must be between 0.3 and 1")
    if options.ngram < 2:
        raise ConfigError(f"runs of {options.ngram} words tell nothing; use 13, or 8 to find more")
    for license in options.licenses:
        if not _normal_license(license):
            raise ConfigError(f"license {license!r} names none; use an SPDX identifier such as MIT or Apache-2.0")
    _benchmarks(options.decontaminate, options.ngram)


def benchmarks_digest(options: ScreeningOptions) -> str:
    """Return what tells whether the benchmarks hold the same texts as before."""
    digest = blake2b(digest_size=16)
    for text in _benchmarks(options.decontaminate, options.ngram).texts:
        digest.update(" ".join([text.place, *text.words, "\n"]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class Screen:
    """Looks at rows one by one. What benchmarks hold is read once in each process."""

    def __init__(self, options: ScreeningOptions) -> None:
        self.options = options
        self._licenses = frozenset(map(_normal_license, options.licenses))
        self._benchmarks = _benchmarks(options.decontaminate, options.ngram)

    def check(self, row: Mapping[str, Any], instruction: str, program: str) -> None:
        """Raise `ProgramError` if the row is not wanted."""
        if self._licenses:
            self._check_license(row)
        if self._benchmarks.texts and (found := self._benchmarks.find(instruction, program)) is not None:
            raise ProgramError("contaminated", found)

    def signature(self, program: str) -> tuple[int, ...] | None:
        """Return what `duplicates.Seen` tells the program by; None if duplicates stay."""
        if self.options.duplicates == EXACT:
            return exact_signature(program)
        if self.options.duplicates == NEAR:
            return near_signature(program, self.options.similarity)
        return None

    def _check_license(self, row: Mapping[str, Any]) -> None:
        names = licenses_of(row, self.options.license_field)
        if not names:
            raise ProgramError("license", f"names no license (columns: {', '.join(row)})")
        for name in names:
            if not self._allows(name):
                raise ProgramError("license", f"{name!r} is not among {', '.join(self.options.licenses)}")

    def _allows(self, expression: str) -> bool:
        """Return whether one may choose licenses that are all wanted, as the SPDX expression has it."""
        if "(" in expression:  # what may be chosen then is not worked out: all that it names have to be wanted
            expression = re.sub(r"[()]", " ", expression.replace(" OR ", " AND "))
        return any(
            all(_normal_license(name) in self._licenses for name in choice.split(" AND "))
            for choice in expression.split(" OR ")
        )


def licenses_of(row: Mapping[str, Any], field: str | None) -> list[str]:
    """Return what a row says of its license: none, one, or several that all hold."""
    if field is None:
        columns = {name.lower(): name for name in row}
        values = [row[columns[name]] for name in LICENSE_NAMES if name in columns]
    else:
        values = [row.get(field)]
    for value in values:
        names = [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]
        if any(map(_normal_license, names)):
            return names
    return []


def _normal_license(name: str) -> str:
    """Return a license's name in the one form in which it is compared.

    `Apache License, Version 2.0`, `apache_2` and `Apache-2.0` are the same.
    """
    words = re.findall(r"\d+(?:\.\d+)*|[a-z]+", re.sub(r"v(?=\.?\d)", " ", name.lower().replace("+", " or later")))
    kept = [re.sub(r"(\.0)+$", "", word) for word in words if word not in _IDLE_WORDS]
    return " ".join(kept)


_IDLE_WORDS = {"the", "license", "licence", "version"}


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a benchmark."""

    place: str
    """Where it stands, for people."""
    words: tuple[str, ...]
    starts: frozenset[int]
    """Where runs begin that count."""


class _Benchmarks:
    """The texts of all benchmarks, and where each run of words is in them."""

    def __init__(self, texts: Sequence[_Text], ngram: int) -> None:
        self.texts = texts
        self.ngram = ngram
        self._whole: dict[tuple[str, ...], int] = {}
        self._runs: dict[int, list[int]] = {}
        for number, text in enumerate(texts):
            if len(text.words) < ngram:
                self._whole.setdefault(text.words, number)
            for start in text.starts:
                numbers = self._runs.setdefault(hash(text.words[start : start + ngram]), [])
                if not numbers or numbers[-1] != number:
                    numbers.append(number)

    def find(self, *parts: str) -> str | None:
        """Return in words what the parts of a row share with the benchmarks; None if that is little."""
        hits: Counter[int] = Counter()
        runs: set[tuple[str, ...]] = set()
        for part in parts:
            words = words_of(part)
            if (number := self._whole.get(tuple(words))) is not None:
                return f"the whole of {self.texts[number].place}"
            for start in range(len(words) - self.ngram + 1):
                run = tuple(words[start : start + self.ngram])
                if (numbers := self._runs.get(hash(run))) is not None:
                    runs.add(run)
                    hits.update(numbers)
        covered = {number: self._covered(self.texts[number], runs) for number in hits}
        if not covered:
            return None
        number = max(covered, key=lambda number: (covered[number], -number))
        if covered[number] < COVERED:
            return None
        text = self.texts[number]
        start = next(s for s in sorted(text.starts) if text.words[s : s + self.ngram] in runs)
        excerpt = " ".join(text.words[start : start + self.ngram])
        return f"{covered[number]:.0%} of {text.place}: {excerpt!r}"

    def _covered(self, text: _Text, runs: set[tuple[str, ...]]) -> float:
        """Return the share of a text's words, of those in runs that count, that are in the runs given."""
        n = self.ngram
        counting: set[int] = set()
        shared: set[int] = set()
        for start in text.starts:
            counting.update(range(start, start + n))
            if text.words[start : start + n] in runs:
                shared.update(range(start, start + n))
        return len(shared) / len(counting)


def words_of(text: str) -> list[str]:
    """Return the words, names and numbers of a text in small letters, without what stands between them."""
    return _WORD.findall(text.lower())


_WORD = re.compile(r"\w+")


@lru_cache(maxsize=1)
def _benchmarks(paths: tuple[str, ...], ngram: int) -> _Benchmarks:
    return _Benchmarks([text for path in paths for text in _texts(path, ngram)], ngram)


def _texts(path: str, ngram: int) -> list[_Text]:
    """Return the texts of one benchmark."""
    found: list[tuple[int, str, tuple[str, ...]]] = []
    rows_with: Counter[tuple[str, ...]] = Counter()
    for number, (name, row) in enumerate(_rows(path)):
        runs: set[tuple[str, ...]] = set()
        for column, text in _columns(row):
            words = tuple(words_of(text))
            if len(words) >= _LEAST_WORDS:
                found.append((number, f"{column!r} of {name}", words))
                runs.update(words[start : start + ngram] for start in range(len(words) - ngram + 1))
        rows_with.update(runs)
    if not found:
        raise ConfigError(f"benchmark {path} holds no text to compare with; it needs columns such as prompt and code")
    texts = []
    for _, place, words in found:
        places = range(len(words) - ngram + 1)
        starts = frozenset(start for start in places if rows_with[words[start : start + ngram]] <= _COMMON_ROWS)
        if starts or len(words) < ngram:
            texts.append(_Text(place, words, starts))
    return texts


def _rows(path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of a benchmark and what people call them; an object of rows by their ids is taken apart."""
    if path == "-":
        raise ConfigError("a benchmark cannot come from standard input: every worker reads it; name a file")
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
    name = next((name for name in ID_NAMES if isinstance(row.get(name), str | int)), None)
    return "" if name is None else f" ({name} {row[name]})"


def _columns(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row that are compared; all that it has, if none of its columns is known."""
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
