"""Exact and near duplicates of programs: signatures, and a database of those seen before.

Workers compute signatures in any order. One `Seen` compares them in the order of the rows, so that the first of
several similar programs is kept, whatever the number of workers.

Exact duplicates have the same hash of their text, or of the texts of two versions. Near duplicates have similar
tokens: a program is the set of its shingles, runs of five tokens, and the similarity of two programs is the Jaccard
index of their sets. It is estimated by MinHash. Bands of several minima each are keys of a table in which similar
programs are found (locality-sensitive hashing). Of two versions only the difference is compared, with the lines
around it, because consecutive commits change the same file.
"""

import math
import re
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Final, Literal

KEEP: Final = "keep"
Duplicates = Literal["keep", "exact", "near"]
"""Which duplicates are dropped; `near` includes exact ones."""

SHINGLE = 5
"""Number of tokens in a shingle, as for The Stack and StarCoder's data."""
_RECALL = 0.95
"""Share of the pairs exactly at the similarity threshold that are found; more similar ones are found more often."""
_CONTEXT = 3
"""Number of lines around a change that belong to it: `+import os` alone is the same in many commits."""
_MIN_MINIMA = 128
"""With this many, the standard deviation of the estimate is 0.04 at a similarity of 0.7."""
_MAX_BANDS = 24
_MAX_CANDIDATES = 200
"""Number of programs that a program is compared with at most, earliest first: many may come from one template."""

_TOKEN = re.compile(
    r"""
    (?P<comment> \#[^\n]* )
  | (?:\b[A-Za-z]{1,2})? (?: \"{3} .*? (?:\"{3}|\Z) | '{3} .*? (?:'{3}|\Z) )
  | (?:\b[A-Za-z]{1,2})? (?: "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? )
  | \w+
  | [^\w\s]
    """,
    re.VERBOSE | re.DOTALL,
)


def exact_signature(program: str, old: str = "") -> tuple[int, ...]:
    """Return a hash of a program's text, and of its old version's, that ignores line endings, trailing blanks and
    blank lines at the end."""
    texts = ["\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") for text in (old, program) if text]
    return (_hash("\0".join(texts)),)


def near_signature(program: str, similarity: float, old: str = "") -> tuple[int, ...]:
    """Return `exact_signature` followed by the bands of the MinHash of a program's tokens, or of its change's.

    A band packs several minima into 64 bits, with the same number of low bits of each.
    """
    bands, width = bands_for(similarity)
    text = "\n".join(_change(old, program)) if old else program
    minima = min_hash(shingles(tokens_of(text)), bands * width)
    bits = 64 // width
    mask = (1 << bits) - 1
    packed = []
    for start in range(0, len(minima), width):
        band = 0
        for value in minima[start : start + width]:
            band = band << bits | value & mask
        packed.append(band - (1 << 64) if band >> 63 else band)
    return (*exact_signature(program, old), *packed)


def _change(old: str, program: str) -> list[str]:
    """Return the rows of a diff's hunks, each line behind its sign, without their headers."""
    rows = unified_diff(old.splitlines(), program.splitlines(), lineterm="", n=_CONTEXT)
    return [row for row in islice(rows, 2, None) if not row.startswith("@@")]


@lru_cache
def bands_for(similarity: float) -> tuple[int, int]:
    """Return the number of bands, and of minima in each, to find pairs of at least this similarity.

    Wide bands find fewer dissimilar pairs, but more of them are needed to find all similar ones.
    """
    for width in range(8, 0, -1):
        found = similarity**width
        least = math.ceil(math.log(1 - _RECALL) / math.log(1 - found)) if found < 1 else 1
        if least <= _MAX_BANDS:
            break
    return max(least, math.ceil(_MIN_MINIMA / width)), width


def tokens_of(program: str) -> list[str]:
    """Return the tokens of code without comments and white space; a string is one token.

    A regular expression takes a tenth of the time of Python's tokenizer, and accepts every text.
    """
    return [match.group() for match in _TOKEN.finditer(program) if match.lastgroup is None]


def shingles(tokens: Sequence[str]) -> set[str]:
    """Return all runs of `SHINGLE` tokens; a shorter text is a single shingle."""
    if len(tokens) <= SHINGLE:
        return {"\0".join(tokens)}
    return set(map("\0".join, zip(*(tokens[start:] for start in range(SHINGLE)), strict=False)))


def min_hash(items: Iterable[str], size: int) -> list[int]:
    """Return `size` minima of a non-empty set; two sets agree in each with the probability of their Jaccard index.

    In each round, every item falls at random into one slot with a random value, and slots keep their minimum; later
    rounds fill the slots that are still empty (Dahlgaard, Knudsen and Thorup, "Fast Similarity Sketching", 2017). So a
    large set takes little more than one hash per item, and a small one is estimated as precisely.
    """
    minima = [-1] * size
    empty = size
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    for round in range(2 * size):
        salt = round.to_bytes(2)
        fresh: dict[int, int] = {}
        for item in encoded:
            number = int.from_bytes(blake2b(item, digest_size=8, salt=salt).digest())
            slot = round - size if round >= size else number % size  # in the end each slot has a round of its own
            value = number // size
            if minima[slot] < 0 and value < fresh.get(slot, value + 1):
                fresh[slot] = value
        for slot, value in fresh.items():
            minima[slot] = value
        empty -= len(fresh)
        if not empty:
            break
    return minima


def estimated_similarity(signature: Sequence[int], other: Sequence[int], similarity: float) -> float:
    """Return the estimated Jaccard index of two programs with near signatures for a threshold `similarity`."""
    if signature[0] == other[0]:
        return 1.0
    bands, width = bands_for(similarity)
    bits = 64 // width
    mask = (1 << bits) - 1
    agreeing = 0
    for ours, theirs in zip(signature[1:], other[1:], strict=True):
        different = ours ^ theirs
        agreeing += sum(not different >> bits * index & mask for index in range(width))
    by_chance = 1 / (1 << bits)  # probability that the low bits of different minima are equal
    return max(0.0, (agreeing / (bands * width) - by_chance) / (1 - by_chance))


@dataclass(frozen=True, slots=True)
class DuplicateMatch:
    """An earlier program that a program duplicates."""

    name: str
    """Where the earlier program comes from, for messages."""
    similarity: float
    exact: bool

    @property
    def reason(self) -> str:
        return "duplicate" if self.exact else "near-duplicate"

    @property
    def detail(self) -> str:
        return f"same program as {self.name}" if self.exact else f"{self.similarity:.2f} similar to {self.name}"


_SETUP = Path(__file__).with_name("programs.sql").read_text(encoding="utf-8")


class Seen:
    """The programs seen so far.

    They are in a database on disk, so memory does not grow with them, and what was added before the last `mark`
    survives a kill.
    """

    def __init__(self, path: str | None, similarity: float) -> None:
        """Without a path, the database is a temporary file of its own."""
        self._similarity = similarity
        self._database = sqlite3.connect(path or "", isolation_level=None)
        self._database.executescript(_SETUP)

    def close(self) -> None:
        """Close the database and forget what was added after the last mark."""
        self._database.close()

    def add(self, number: int, name: str, signature: tuple[int, ...]) -> DuplicateMatch | None:
        """Return the first earlier program that this one duplicates; if there is none, remember this one.

        `number` grows from call to call.
        """
        keys = keys_of(signature)
        found = self._database.execute(
            "SELECT DISTINCT number, name, signature FROM keys JOIN programs USING (number)"
            f" WHERE key IN ({', '.join('?' * len(keys))}) ORDER BY number LIMIT {_MAX_CANDIDATES}",
            keys,
        )
        for _, earlier, blob in found.fetchall():
            other = _unpacked(blob)
            similarity = estimated_similarity(signature, other, self._similarity)
            if similarity >= self._similarity:
                return DuplicateMatch(earlier, similarity, signature[0] == other[0])
        self._database.execute("INSERT INTO programs VALUES (?, ?, ?)", (number, name, _packed(signature)))
        self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(key, number) for key in keys])
        return None

    def mark(self) -> None:
        """Make everything added so far survive a kill or a power cut."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def rewind(self, number: int) -> None:
        """Forget the programs from this number on."""
        late = self._database.execute("SELECT number, signature FROM programs WHERE number >= ?", (number,))
        for late_number, blob in late.fetchall():
            self._database.executemany(
                "DELETE FROM keys WHERE key = ? AND number = ?",
                [(key, late_number) for key in keys_of(_unpacked(blob))],
            )
        self._database.execute("DELETE FROM programs WHERE number >= ?", (number,))


def keys_of(signature: tuple[int, ...]) -> list[int]:
    """Return the keys of a program in the table: its exact signature, then a key for each band.

    Duplicates have at least one in common. Equal bands at different positions have different keys.
    """
    whole, *bands = signature
    return [whole, *(_hash(f"{index} {band}") for index, band in enumerate(bands))]


def _hash(text: str) -> int:
    """Return a hash of 64 bits as a signed number, as databases store it."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _packed(signature: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(signature)}q", *signature)


def _unpacked(blob: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(blob) // 8}q", blob)
