"""Rows of edit sequences as tokens to be trained on: a prompt, and the completion that is learned.

Owns what is one example and what of it is learned, how it is cut to fit, and the files in which tokens lie so that
they are made once. A file of edit sequences gives both arms: `edits` has every draw of a row, `plain` has each row's
program once. Which examples a run sees, and when, is left to `lintseq.lm.matching`.

A prompt is encoded as generation encodes it, and the completion follows it token by token; so a model is asked in
exactly the state in which it was taught.

    text   the prompts of `lintseq.benchmarks`: the instruction, a newline, and in the edits arm `<|diff|>`;
           then the completion and the token that ends a text
    chat   the tokenizer's chat template around the instruction and the completion, with all that it puts behind
"""

import json
import os
import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from hashlib import blake2b, sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lintseq.codecs import SEPARATOR, get_codec
from lintseq.dataset.shapes import Record, read_record
from lintseq.errors import ConfigError, ProgramError
from lintseq.lm import tokenizers
from lintseq.lm.matching import Examples
from lintseq.program import Program
from lintseq.rows import BrokenInputError, ReadingOptions, find_inputs, parse_row, prompt_of, read_rows
from lintseq.storage.workplace import write_durably

if TYPE_CHECKING:
    import numpy as np

ARMS = ("edits", "plain")

VERSION = 1
"""Of what is written; another one is not read."""

_BATCH = 256
_TOKENS, _INDEX, _ROWS, _ABOUT = "tokens.u32", "index.i64", "rows.txt", "about.json"
_PROBE = "x = 1"


# What rows say


class NoExample(ProgramError):
    """A record that cannot be trained on, and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model is given, and what it is to write."""

    row: str
    """The same for all draws of a row, and for its program."""
    prompt: str
    """The instruction and a newline, and the program as it stands if there is any of it."""
    completion: str


def pair_of(record: Record, arm: str) -> Pair:
    """Return the example that a record is in an arm; raises `NoExample` where it is none."""
    if arm == "edits":
        text = record.text.removeprefix(SEPARATOR)
        if not text:
            raise NoExample("no-edits", "the sequence has no edits")
        pair = Pair(row_of(record), prompt_of(record.instruction, record.start), SEPARATOR + text)
    else:
        if record.left:
            raise NoExample("no-program", "the row has one edit of a sequence, and not the program")
        pair = Pair(row_of(record), prompt_of(record.instruction, Program(())), record.program)
    try:
        (pair.prompt + pair.completion).encode()
    except UnicodeEncodeError as error:
        raise NoExample("encoding", f"character {error.start} is a lone surrogate") from None
    return pair


def row_of(record: Record) -> str:
    """Return what all draws of a row have in common: a hash of its id, its instruction and its program."""
    # Of one edit on its own the program is not known; the program so far would tell draws of a row apart.
    program = "" if record.left or record.shape == "next-edit" else record.program
    content = f"{record.id}\0{record.instruction}\0{program}".encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=12).hexdigest()


# Tokens


@dataclass(frozen=True, slots=True)
class Cut:
    """How examples are made to fit."""

    max_tokens: int
    truncate: str = "edit"
    """`edit`: behind the last edit that fits, or in a plain program behind the last line. `drop`: not at all.
    `anywhere`: where the room ends."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example in tokens."""

    prompt: list[int]
    completion: list[int]
    lost: int = 0
    """Tokens that were cut off."""
    seam: bool = False
    """Whether prompt and completion would be other tokens if they were encoded as one text."""


class Encoder:
    """Makes tokens of pairs; a `NoExample` says why there are none."""

    def __init__(self, tokenizer: Any, *, arm: str, layout: str, cut: Cut) -> None:
        self.tokenizer, self.arm, self.layout, self.cut = tokenizer, arm, layout, cut
        self.diff = tokenizers.diff_id(tokenizer)
        if tokenizer.eos_token_id is None:
            raise ConfigError("the tokenizer has no token that ends a text, so a model could not learn to end one")
        self.end: int = tokenizer.eos_token_id
        self.tail = [self.end] if layout == "text" else self._tail_of_template()
        self._breaks: dict[int, bool] = {}
        self._digest = ""
        if layout == "text" and self._ids([_PROBE])[0][-1] == self.end:
            raise ConfigError("the tokenizer ends every text, prompts too: set add_eos_token to false in its settings")

    def describe(self) -> dict[str, Any]:
        """Return all that the tokens of a pair depend on."""
        self._digest = self._digest or tokenizers.digest(self.tokenizer)
        template = self.tokenizer.chat_template if self.layout == "chat" else None
        return {
            "version": VERSION,
            "arm": self.arm,
            "layout": self.layout,
            "tokenizer": self._digest,
            "end": self.tail,
            "template": template and sha256(str(template).encode()).hexdigest()[:32],
            **asdict(self.cut),
        }

    def prompt_text(self, prompt: str) -> str:
        """Return what the model reads before it writes, as a text."""
        if self.layout == "chat":
            return self._rendered([{"role": "user", "content": prompt.removesuffix("\n")}], answer=True)
        return prompt + SEPARATOR if self.arm == "edits" else prompt

    def encode(self, pairs: Sequence[Pair]) -> Iterator[Encoded | NoExample]:
        """Yield what becomes of each pair, in order."""
        prompts = [self.prompt_text(pair.prompt) for pair in pairs]
        texts = [pair.completion for pair in pairs]
        if self.layout == "text" and self.arm == "edits":
            texts = [text.removeprefix(SEPARATOR) for text in texts]
        before = self._ids(prompts)
        whole = self._ids([prompt + text for prompt, text in zip(prompts, texts, strict=True)])
        for prompt, joint, text in zip(before, whole, texts, strict=True):
            seam = joint[: len(prompt)] != prompt
            completion = self.tokenizer.encode(text, add_special_tokens=False) if seam else joint[len(prompt) :]
            try:
                yield self._fitted(prompt, completion, text, seam=seam)
            except NoExample as error:
                yield error

    def _fitted(self, prompt: list[int], completion: list[int], text: str, *, seam: bool) -> Encoded:
        if self.end in completion:
            raise NoExample("end-inside", "the completion holds the text of the token that ends one")
        room = self.cut.max_tokens - len(prompt)
        if room < 1:
            raise NoExample("prompt-too-long", f"the prompt has {len(prompt)} tokens by itself")
        full = completion + self.tail
        if len(full) <= room:
            return Encoded(prompt, full, seam=seam)
        if self.cut.truncate == "drop":
            raise NoExample("too-long", f"prompt and completion have {len(prompt) + len(full)} tokens")
        keep = room
        if self.cut.truncate == "edit":
            keep = self._whole_units(completion, text, room)
            if not keep:
                unit = "edit" if self.arm == "edits" else "line"
                raise NoExample(f"no-{unit}-fits", f"the first {unit} has no room behind {len(prompt)} tokens")
        return Encoded(prompt, full[:keep], len(full) - keep, seam)

    def _whole_units(self, completion: list[int], text: str, room: int) -> int:
        """Return how many tokens are the edits that fit, or of a plain program the lines; 0 if the first does not."""
        if len(completion) <= room:
            return len(completion)
        return self._edits_in(completion, text, room) if self.arm == "edits" else self._lines_in(completion, room)

    def _edits_in(self, completion: list[int], text: str, room: int) -> int:
        """Return how many tokens it takes up to the last `<|diff|>` that ends an edit."""
        places = [place for place, token in enumerate(completion) if token == self.diff]
        starts = []
        at = text.find(SEPARATOR)
        while at >= 0:
            starts.append(at)
            at = text.find(SEPARATOR, at + 1)
        if len(places) != len(starts):
            return 0
        # What stands inside a line is a line's text, and separates nothing.
        ends = [place for place, start in zip(places, starts, strict=True) if start and text[start - 1] == "\n"]
        return max((place for place in ends if place <= room), default=0)

    def _lines_in(self, completion: list[int], room: int) -> int:
        """Return how many tokens it takes to the end of the last line; one may hold the next line's indent too."""
        return next((place + 1 for place in range(room - 1, -1, -1) if self._is_break(completion[place])), 0)

    def _is_break(self, token: int) -> bool:
        if token not in self._breaks:
            self._breaks[token] = "\n" in self.tokenizer.decode([token])
        return self._breaks[token]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        special = self.layout == "text"
        found = self.tokenizer(texts, add_special_tokens=special, return_attention_mask=False, verbose=False)
        ids: list[list[int]] = found["input_ids"]
        return ids

    def _rendered(self, messages: list[dict[str, str]], *, answer: bool) -> str:
        text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer)
        return text

    def _tail_of_template(self) -> list[int]:
        """Return what the chat template puts behind an answer, up to the token that ends a text."""
        if not self.tokenizer.chat_template:
            raise ConfigError("the tokenizer has no chat template; set data.layout to text")
        user = {"role": "user", "content": _PROBE}
        prompt = self._rendered([user], answer=True)
        whole = self._rendered([user, {"role": "assistant", "content": _PROBE}], answer=False)
        if not whole.startswith(prompt + _PROBE):
            raise ConfigError(
                "the chat template does not put an answer behind its prompt as it is, so a model would be asked in"
                " another state than it was taught in; set data.layout to text, or give the tokenizer another template"
            )
        ids: list[int] = self.tokenizer.encode(whole[len(prompt + _PROBE) :], add_special_tokens=False)
        return [*ids[: ids.index(self.end)], self.end] if self.end in ids else [*ids, self.end]


# Files of tokens


@dataclass(slots=True)
class Tally:
    """What became of a file's records in one arm."""

    records: int = 0
    """Read; in the plain arm, all draws of them too."""
    examples: int = 0
    rows: int = 0
    trained: int = 0
    tokens: int = 0
    cut: int = 0
    """Examples that were cut to fit."""
    lost: int = 0
    """Tokens cut off of them."""
    seams: int = 0
    """Examples whose completion had to be encoded apart from the prompt."""
    longest: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason."""

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Example:
    """One example as training takes it."""

    ids: "np.ndarray[Any, Any]"
    prompt: int
    """How many of them are not learned."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The examples of an arm, in a folder; a sequence of them."""

    ids: "np.ndarray[Any, Any]"
    """All tokens, one after the other; not in memory."""
    index: "np.ndarray[Any, Any]"
    """For each example: the number of its row, where it ends, how many of its tokens are the prompt."""
    rows: tuple[str, ...]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, place: int) -> Example:
        start = int(self.index[place - 1, 1]) if place else 0
        _, end, prompt = (int(one) for one in self.index[place])
        return Example(self.ids[start:end], prompt)

    def lengths(self) -> list[int]:
        """Return how many tokens each example has."""
        import numpy as np

        found: list[int] = np.diff(self.index[:, 1], prepend=0).tolist()
        return found

    def prompts(self) -> list[int]:
        found: list[int] = self.index[:, 2].tolist()
        return found

    def row_numbers(self) -> list[int]:
        found: list[int] = self.index[:, 0].tolist()
        return found


Tell = Callable[[int, int | None], None]
"""Is told how many records were read, and of how many bytes or rows of the input that is the end."""


def open_tokens(folder: str, fingerprint: str) -> TokenFile | None:
    """Return the examples in a folder, if they are there and are what the fingerprint says."""
    import numpy as np

    try:
        about = json.loads(Path(folder, _ABOUT).read_bytes())
    except (OSError, ValueError):
        return None
    if about.get("fingerprint") != fingerprint:
        return None
    index = np.fromfile(os.path.join(folder, _INDEX), dtype=np.int64).reshape(-1, 3)
    path = os.path.join(folder, _TOKENS)
    ids = np.memmap(path, dtype=np.uint32, mode="r") if len(index) else np.zeros(0, dtype=np.uint32)
    return TokenFile(ids, index, tuple(Path(folder, _ROWS).read_text().split()), about)


def fingerprint_of(spec: str, format: str, encoder: Encoder) -> str:
    """Return what tells whether tokens made earlier are still those of a file."""
    inputs = [one.fingerprint for one in find_inputs(spec, ReadingOptions())]
    told = json.dumps([inputs, format, encoder.describe()], sort_keys=True, default=str)
    return sha256(told.encode()).hexdigest()[:32]


def tokenize(
    spec: str, folders: Mapping[str, str], encoders: Mapping[str, Encoder], *, format: str, tell: Tell | None = None
) -> dict[str, TokenFile]:
    """Return the examples of a file in the arms that `encoders` names, made or found in their folders."""
    prints = {arm: fingerprint_of(spec, format, encoder) for arm, encoder in encoders.items()}
    found = {arm: open_tokens(folders[arm], prints[arm]) for arm in encoders}
    missing = {arm: encoders[arm] for arm, one in found.items() if one is None}
    if missing:
        hashed = sha256()
        with ExitStack() as stack:
            writers = {arm: stack.enter_context(_Writer(folders[arm], encoder)) for arm, encoder in missing.items()}
            stream = _rows(spec, hashed, tell)
            while rows := list(islice(stream, _BATCH)):
                for writer in writers.values():
                    writer.add(rows, format)
            for arm, writer in writers.items():
                writer.finish({"fingerprint": prints[arm], "sha256": hashed.hexdigest(), **encoders[arm].describe()})
                found[arm] = open_tokens(folders[arm], prints[arm])
    whole = {arm: one for arm, one in found.items() if one is not None}
    for arm, one in whole.items():
        check_some(spec, arm, one.about["tally"])
    return whole


def check_some(spec: str, arm: str, tally: Mapping[str, Any]) -> None:
    """Raise `ConfigError` if there is nothing to train on."""
    if tally["examples"]:
        return
    if not tally["records"]:
        raise ConfigError(f"{spec} holds no rows; give a file of edit sequences, as lintseq build writes them")
    told = ", ".join(f"{count:,} {reason}" for reason, count in _by_count(tally["dropped"]))
    hints = {
        "prompt-too-long": "raise data.max_tokens",
        "no-edit-fits": "raise data.max_tokens",
        "no-line-fits": "raise data.max_tokens",
        "too-long": "raise data.max_tokens, or set data.truncate to edit",
    }
    worst = _by_count(tally["dropped"])[0][0]
    way_out = hints.get(worst, "give a file of edit sequences, as lintseq build writes them")
    raise ConfigError(f"no row of {spec} can be trained on in the arm {arm} ({told}): {way_out}")


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


_Row = dict[str, Any] | ProgramError


def _rows(spec: str, hashed: Any, tell: Tell | None) -> Iterator[_Row]:
    """Yield the rows of a file, and errors for those that are none, and take them all into a hash."""
    try:
        for number, raw in enumerate(read_rows(spec), 1):
            hashed.update(raw.data.strip() + b"\n")
            try:
                yield parse_row(raw.data)
            except ProgramError as error:
                yield error
            if tell is not None:
                tell(number, raw.end)
    except BrokenInputError as error:
        raise ConfigError(f"{error}; training on the part before would not be what the recipe says") from None


class _Writer:
    """Writes the examples of one arm; they are whole when the folder has its name."""

    def __init__(self, folder: str, encoder: Encoder) -> None:
        self.folder, self.encoder = folder, encoder
        self.partial = f"{folder}.partial"
        shutil.rmtree(self.partial, ignore_errors=True)
        os.makedirs(self.partial)
        self.file = open(os.path.join(self.partial, _TOKENS), "wb")  # noqa: SIM115  closed in `__exit__`
        self.rows: dict[str, int] = {}
        self.index = array("q")
        self.end = 0
        self.tally = Tally()

    def add(self, rows: Iterable[_Row], format: str) -> None:
        pairs = []
        for row in rows:
            self.tally.records += 1
            try:
                if isinstance(row, ProgramError):
                    raise row
                pair = pair_of(read_record(row).in_format(get_codec(format)), self.encoder.arm)
            except ProgramError as error:
                self.tally.drop(error.reason)
                continue
            if self.encoder.arm == "plain":
                if pair.row in self.rows:
                    continue
                self.rows[pair.row] = -1  # seen; it gets its number when it is written
            pairs.append(pair)
        for pair, one in zip(pairs, self.encoder.encode(pairs), strict=True):
            if isinstance(one, NoExample):
                self.tally.drop(one.reason)
            else:
                self._write(pair.row, one)

    def _write(self, row: str, one: Encoded) -> None:
        tally = self.tally
        if self.rows.get(row, -1) < 0:
            self.rows[row] = tally.rows
            tally.rows += 1
        array("I", one.prompt + one.completion).tofile(self.file)
        size = len(one.prompt) + len(one.completion)
        self.end += size
        self.index.extend((self.rows[row], self.end, len(one.prompt)))
        tally.examples += 1
        tally.trained += len(one.completion)
        tally.tokens += size
        tally.longest = max(tally.longest, size)
        tally.cut += bool(one.lost)
        tally.lost += one.lost
        tally.seams += one.seam

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def finish(self, about: Mapping[str, Any]) -> None:
        """Give the folder its name, with all that belongs into it."""
        self.file.close()
        rows = [row for row, number in self.rows.items() if number >= 0]
        rows.sort(key=self.rows.__getitem__)
        write_durably(os.path.join(self.partial, _INDEX), self.index.tobytes())
        write_durably(os.path.join(self.partial, _ROWS), "".join(f"{row}\n" for row in rows).encode())
        text = json.dumps({**about, "tally": self.tally.as_dict()}, indent=1)
        write_durably(os.path.join(self.partial, _ABOUT), text.encode())
        shutil.rmtree(self.folder, ignore_errors=True)
        os.rename(self.partial, self.folder)


# The same rows in both arms


@dataclass(frozen=True, slots=True)
class Arm:
    """Those examples of a file that are of given rows, and their numbers in the file."""

    places: list[int]
    examples: Examples


def arm_of(file: TokenFile, rows: Mapping[str, int] | None = None) -> Arm:
    """Return the examples of rows that `rows` gives a number; None takes all."""
    numbers = {row: number for number, row in enumerate(file.rows)} if rows is None else rows
    own = [numbers.get(row, -1) for row in file.rows]
    lengths, prompts = file.lengths(), file.prompts()
    found = [(place, own[row]) for place, row in enumerate(file.row_numbers()) if own[row] >= 0]
    places = [place for place, _ in found]
    return Arm(
        places,
        Examples(
            [row for _, row in found],
            [lengths[place] - prompts[place] for place in places],
            [lengths[place] for place in places],
        ),
    )


def common_rows(first: TokenFile, *others: TokenFile) -> dict[str, int]:
    """Return the rows that all have, numbered in the order of the first."""
    shared = set(first.rows).intersection(*(one.rows for one in others))
    return {row: number for number, row in enumerate(row for row in first.rows if row in shared)}


def dropped_told(tally: Mapping[str, Any]) -> str:
    """Return what was dropped and cut, as a clause for people; empty if nothing was."""
    told = [f"{count:,} dropped: {reason}" for reason, count in _by_count(tally["dropped"])]
    if tally["cut"]:
        told.append(f"{tally['cut']:,} cut to fit, {tally['lost']:,} tokens of them lost")
    return "; ".join(told)
