"""Programs that were there before: what they are told by, and the memory of those that were seen.

Knows nothing of rows and records. Signatures are worked out anywhere, by workers; one `Seen` is asked in
the order of the rows, so that of programs that are alike the first one stays, whatever the number of
workers.

Exact duplicates are told by a hash of the text. Near duplicates are told by their tokens: a program is the
set of all runs of five tokens in it, and two are alike by the Jaccard index of their sets, the share that
they have in common of all that either has. It is estimated by MinHash, a short list of minima of random
functions of the set, in which two programs agree in that share of places; bands of several minima each,
looked up in a table, find the programs that it is worth comparing with.
"""

import math
import re
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from types import TracebackType
from typing import Self

KEEP, EXACT, NEAR = "keep", "exact", "near"
DUPLICATES = (KEEP, EXACT, NEAR)

SHINGLE = 5
"""Tokens in a run: as for The Stack and StarCoder's data."""
_RECALL = 0.95
"""Of pairs that are exactly as alike as is asked for, the share that comes to be compared; of others, more."""
_LEAST_MINIMA = 128
"""So that the estimate is off by 0.04 (one standard deviation), where programs are 0.7 alike."""
_MOST_BANDS = 24
_CANDIDATES = 200
"""Programs that one is compared with at most, first ones first: a corpus out of one mould must not take for ever."""

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


def exact_signature(program: str) -> tuple[int, ...]:
    """Return a hash of a program's text, in which blanks at the ends of lines and empty lines at the end,
    and how lines end, make no difference."""
    text = "\n".join(line.rstrip() for line in program.splitlines()).rstrip("\n")
    return (_hash(text),)


def near_signature(program: str, similarity: float) -> tuple[int, ...]:
    """Return the hash of `exact_signature` and the bands of the MinHash of a program's tokens.

    A band holds some of the minima, of each as many bits as there is room for in 64.
    """
    bands, width = bands_for(similarity)
    minima = min_hash(shingles(tokens_of(program)), bands * width)
    bits = 64 // width
    mask = (1 << bits) - 1
    packed = []
    for start in range(0, len(minima), width):
        band = 0
        for value in minima[start : start + width]:
            band = band << bits | value & mask
        packed.append(band - (1 << 64) if band >> 63 else band)
    return (*exact_signature(program), *packed)


@lru_cache
def bands_for(similarity: float) -> tuple[int, int]:
    """Return the number of bands and the minima in each that find pairs of at least this similarity.

    Wide bands find fewer pairs in vain, and more of them are needed to find all that matter.
    """
    for width in range(8, 0, -1):
        found = similarity**width
        least = math.ceil(math.log(1 - _RECALL) / math.log(1 - found)) if found < 1 else 1
        if least <= _MOST_BANDS or width == 1:
            return max(least, math.ceil(_LEAST_MINIMA / width)), width
    raise AssertionError("a width was returned")


def tokens_of(program: str) -> list[str]:
    """Return the tokens of code, comments and blank space left out; a string is one token.

    By pattern, not by Python's own tokenizer: a tenth of its time, and no text is refused.
    """
    return [match.group() for match in _TOKEN.finditer(program) if match.lastgroup is None]


def shingles(tokens: Sequence[str]) -> set[str]:
    """Return all runs of some tokens; of a shorter text, the whole."""
    if len(tokens) <= SHINGLE:
        return {"\0".join(tokens)}
    return set(map("\0".join, zip(*(tokens[start:] for start in range(SHINGLE)), strict=False)))


def min_hash(items: Iterable[str], size: int) -> list[int]:
    """Return `size` minima of a set that is not empty: two sets agree at each place with the probability of
    their Jaccard index.

    In each round every item falls at random into one place with a random value, and the least value stays;
    what a round left empty, the next ones fill (Dahlgaard, Knudsen and Thorup, "Fast Similarity Sketching",
    2017). So a large set takes little more than one hash for each item, and a small one is told as
    precisely.
    """
    minima = [-1] * size
    empty = size
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    for turn in range(2 * size):
        salt = turn.to_bytes(2)
        fresh: dict[int, int] = {}
        for item in encoded:
            number = int.from_bytes(blake2b(item, digest_size=8, salt=salt).digest())
            place = turn - size if turn >= size else number % size  # at last each place has its own round
            value = number // size
            if minima[place] < 0 and value < fresh.get(place, value + 1):
                fresh[place] = value
        for place, value in fresh.items():
            minima[place] = value
        empty -= len(fresh)
        if not empty:
            break
    return minima


def likeness(one: Sequence[int], other: Sequence[int], similarity: float) -> float:
    """Return the estimated Jaccard index of two programs by their near signatures."""
    if one[0] == other[0]:
        return 1.0
    bands, width = bands_for(similarity)
    bits = 64 // width
    mask = (1 << bits) - 1
    agreeing = 0
    for ours, theirs in zip(one[1:], other[1:], strict=True):
        different = ours ^ theirs
        agreeing += sum(not different >> bits * place & mask for place in range(width))
    by_chance = 1 / (1 << bits)  # that the kept bits of different minima are the same
    return max(0.0, (agreeing / (bands * width) - by_chance) / (1 - by_chance))


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier program that one is like."""

    name: str
    """Where the earlier one stands, for people."""
    similarity: float
    exact: bool

    @property
    def reason(self) -> str:
        return "duplicate" if self.exact else "near-duplicate"

    @property
    def detail(self) -> str:
        return f"the program of {self.name}" if self.exact else f"{self.similarity:.2f} alike to {self.name}"


class Seen:
    """The programs that were there so far.

    They lie in a database on disk, so memory does not grow with them, and what was there at the last `mark`
    is there after the process was killed.
    """

    def __init__(self, path: str | None, similarity: float) -> None:
        """Without a path, the database is a temporary file of its own."""
        self._similarity = similarity
        self._database = sqlite3.connect(path or "", isolation_level=None)
        for setting in (
            "locking_mode = EXCLUSIVE",  # no shared memory beside the file: works on network file systems too
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -131072",  # in units of 1,024 bytes, if negative
        ):
            self._database.execute(f"PRAGMA {setting}").close()
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS programs (number INTEGER PRIMARY KEY, name TEXT, signature BLOB)"
        )
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS keys (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; what was added after the last mark is forgotten."""
        self._database.close()

    def add(self, number: int, name: str, signature: tuple[int, ...]) -> Match | None:
        """Return what an earlier program has in common with this one; if there is none, remember this one.

        `number` grows from call to call. Of several that are alike enough the first one counts.
        """
        keys = _keys(signature)
        found = self._database.execute(
            "SELECT DISTINCT number, name, signature FROM keys JOIN programs USING (number)"
            f" WHERE key IN ({', '.join('?' * len(keys))}) ORDER BY number LIMIT {_CANDIDATES}",
            keys,
        )
        for _, earlier, blob in found.fetchall():
            other = _unpacked(blob)
            alike = likeness(signature, other, self._similarity)
            if alike >= self._similarity:
                return Match(earlier, alike, signature[0] == other[0])
        self._database.execute("INSERT INTO programs VALUES (?, ?, ?)", (number, name, _packed(signature)))
        self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(key, number) for key in keys])
        return None

    def mark(self) -> None:
        """Make everything that was added last, whatever happens to the process or the machine."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def rewind(self, number: int) -> None:
        """Forget the programs from this number on."""
        late = self._database.execute("SELECT number, signature FROM programs WHERE number >= ?", (number,))
        for one, blob in late.fetchall():
            self._database.executemany(
                "DELETE FROM keys WHERE key = ? AND number = ?", [(key, one) for key in _keys(_unpacked(blob))]
            )
        self._database.execute("DELETE FROM programs WHERE number >= ?", (number,))


def _keys(signature: tuple[int, ...]) -> list[int]:
    """Return what a program is looked up by; equal bands at different places are not the same."""
    whole, *bands = signature
    return [whole, *(_hash(f"{place} {band}") for place, band in enumerate(bands))]


def _hash(text: str) -> int:
    """Return 64 bits of hash, as a signed number: databases have no others."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _packed(signature: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(signature)}q", *signature)


def _unpacked(blob: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(blob) // 8}q", blob)
