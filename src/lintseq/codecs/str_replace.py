"""Edit sequences as calls of the text editor tool that agents have.

    <|diff|>{"command": "insert", "insert_line": 0, "new_str": "def area(r):\n    return pi * r * r"}
    <|diff|>{"command": "str_replace", "old_str": "def area(r):", "new_str": "def area(radius):"}
    {"command": "str_replace", "old_str": "    return pi * r * r", "new_str": "    return pi * radius**2"}

A line of JSON for each hunk of the edit: a call, made on the text that the calls before it left. Lines that are only
inserted go behind line `insert_line`. Where lines are removed, `old_str` holds them and, unless they have words and
are in the text only once, the fewest around them that do; parts of lines count, because the tool refuses an `old_str`
that occurs twice. A line stays in `new_str` unless other lines take the place of those removed. A text of which
nothing can be searched for, or of which nothing stays, is made anew: `{"command": "create", "file_text": ...}`.
`str-replace:PATH` names a file in each call (`"path": PATH`, after the command). Texts whose `old_str` has more, or
less, of the text around a change read as well.

In model output, besides the reasons of `lintseq.codecs.repair`:

    json       text that is not one call on each line: calls over several lines, in a list, or inside another object
               such as `{"name": ..., "input": ...}` are found; an object that is not complete is left out
    key        other names of keys (`old_string`), keys that are not known, or keys that are missing
    command    `view`, and whatever else changes nothing, is left out; `create` replaces the whole text
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from lintseq.codecs.codec import Codec, check_form
from lintseq.codecs.locate import SMALL, has_words, settled, trimmed
from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault
from lintseq.program import Program

_FIELDS: Mapping[str, Mapping[str, type]] = {
    "str_replace": {"old_str": str, "new_str": str},
    "insert": {"insert_line": int, "new_str": str},
    "create": {"file_text": str},
}
"""Commands, and the types of what goes with them."""
Call = Mapping[str, Any]


def _text(lines: Sequence[str]) -> str:
    return Program(tuple(lines), bool(lines)).text


# Written


def _write(edit: Edit, state: Sequence[str], path: str) -> list[str]:
    grown = list(state)
    rows: list[str] = []
    shift = 0
    for hunk in settled(edit, state, insertions=False):
        moved = Hunk(hunk.position + shift, hunk.lines, hunk.removed)
        rows.append(_row(_call(moved, grown), path))
        grown[moved.position : moved.end] = hunk.lines
        shift += len(hunk.lines) - hunk.removed
    return rows


def _row(call: Call, path: str) -> str:
    named = {"command": call["command"], "path": path} if path else {}
    return json.dumps({**named, **call}, ensure_ascii=False)


def _call(hunk: Hunk, lines: Sequence[str]) -> Call:
    """Return the call that makes a change of a text with these lines."""
    if not hunk.removed:
        return {"command": "insert", "insert_line": hunk.position, "new_str": "\n".join(hunk.lines)}
    low, high = _window(hunk, lines)
    before, after = lines[low:high], [*lines[low : hunk.position], *hunk.lines, *lines[hunk.end : high]]
    if not any(before) or not after:
        return {"command": "create", "file_text": _text(after)}
    return {"command": "str_replace", "old_str": "\n".join(before), "new_str": "\n".join(after)}


def _window(hunk: Hunk, lines: Sequence[str]) -> tuple[int, int]:
    """Return the ends of the smallest window on a change that can be quoted to find it; all lines if there is none."""
    text, size = _text(lines), len(lines)
    for above, below in _margins():
        low, high = max(hunk.position - above, 0), min(hunk.end + below, size)
        if high - low == size:
            break
        if (hunk.lines or high - low > hunk.removed) and has_words(lines[low:high]):
            quoted = "\n".join(lines[low:high])
            if text.find(quoted, text.find(quoted) + 1) < 0:
                break
    return low, high


def _margins() -> Iterator[tuple[int, int]]:
    """Yield more and more lines above a change and below it."""
    yield from SMALL
    width = 2
    while True:
        yield width, width
        width += width // 2


# Read strictly


def _read(rows: Sequence[str], state: Sequence[str], path: str) -> list[Hunk]:
    grown = list(state)
    hunks: list[Hunk] = []
    shift, creates = 0, False
    for lineno, row in enumerate(rows, 1):
        call = _parse(row, path, lineno)
        change = trimmed(_hunk(call, grown, lineno), grown)
        if change is None:
            raise EditFault(lineno, "no-change", "nothing is changed")
        if hunks and change.position - shift <= hunks[-1].end:
            raise EditFault(lineno, "order", "changes what is before or at the call before it")
        hunks.append(Hunk(change.position - shift, change.lines, change.removed))
        grown[change.position : change.end] = change.lines
        shift += len(change.lines) - change.removed
        creates |= call["command"] == "create"
    if creates:
        check_form(rows, _write(Edit(tuple(hunks)), state, path))
    return hunks


def _parse(row: str, path: str, lineno: int) -> Call:
    try:
        call = json.loads(row)
    except (ValueError, RecursionError):
        reason = "empty-edit" if not row else "json"
        raise EditFault(lineno, reason, f"{shorten(row)} is not a call of the editor") from None
    if not isinstance(call, dict):
        raise EditFault(lineno, "json", f"{shorten(row)} is not a call of the editor")
    fields = _FIELDS.get(str(call.get("command")), {})
    usual = [("command", str), *([("path", str)] if path else []), *fields.items()]
    if not fields or [(key, type(value)) for key, value in call.items()] != usual:
        raise EditFault(lineno, "key", f"{shorten(row)} does not have the keys of a call of the editor")
    if call.get("path", "") != path or json.dumps(call, ensure_ascii=False) != row:
        raise EditFault(lineno, "form", f"{shorten(row)} is not written as usual")
    return {key: value for key, value in call.items() if key != "path"}


def _hunk(call: Call, lines: Sequence[str], lineno: int) -> Hunk:
    """Return the change that a call makes of a text with these lines."""
    if call["command"] == "create":
        return Hunk(0, Program.from_text(call["file_text"]).lines, len(lines))
    if call["command"] == "insert":
        if not 0 <= call["insert_line"] <= len(lines):
            detail = f"inserts after line {call['insert_line']}, but the state has {len(lines)} lines"
            raise EditFault(lineno, "position", detail)
        return Hunk(call["insert_line"], tuple(call["new_str"].split("\n")))
    text, old = _text(lines), call["old_str"]
    at = text.find(old) if old else -1
    if at < 0:
        raise EditFault(lineno, "not-found" if old else "no-anchor", f"{shorten(old)} is not in the state")
    if text.find(old, at + 1) >= 0:
        raise EditFault(lineno, "ambiguous", f"{shorten(old)} occurs several times")
    return _replacement(text, at, old, call["new_str"])


def _replacement(text: str, at: int, old: str, new: str) -> Hunk:
    """Return the replacement of `old`, which is at index `at` of a text, by `new`, as one of whole lines."""
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at + len(old))
    end = len(text) if end < 0 else end
    after = text[begin:at] + new + text[at + len(old) : end]
    if end == len(text):  # with the last newline
        return Hunk(text.count("\n", 0, begin), Program.from_text(after).lines, text.count("\n", begin, end))
    return Hunk(text.count("\n", 0, begin), tuple(after.split("\n")), text.count("\n", begin, end) + 1)


# Repaired


_START = re.compile(r'\[\s*\{|\{\s*"')
_INLINE = re.compile(r'<\|diff\|>(?=\{")')
_ALIASES = {"old_string": "old_str", "new_string": "new_str", "insert_text": "new_str"}
_DECODER = json.JSONDecoder(strict=False)


def _repair(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    text = "\n".join(piece.lines)
    done = search = 0
    while (found := _START.search(text, search)) is not None:
        at = found.start()
        cut = False
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
            value, end = _closed(text[at:]) if cut else None, len(text) if cut else at + 1
        except RecursionError:
            value, end = None, at + 1
        search = end
        if value is None and not cut:
            continue
        line = piece.line + text.count("\n", 0, at)
        _ignore(draft, piece, text, done, at)
        done = end
        calls = list(_calls(value))
        if not calls:
            reason = "truncated" if cut and piece.last else "json"
            draft.note(line, reason, f"{shorten(text[at:end])} is not a call of the editor; ignored")
        for call in calls:
            _make(draft, line, call, cut=cut)
    _ignore(draft, piece, text, done, len(text))


def _ignore(draft: Draft, piece: Piece, text: str, start: int, end: int) -> None:
    """Note the text between two calls, unless it only separates them."""
    start += text[start:end].startswith("\n")
    if text[start:end].strip(" ,\r\n"):
        lines = text[start:end].removesuffix("\n").split("\n")
        draft.ignore(piece.line + text.count("\n", 0, start), lines)


def _closed(text: str) -> Any:
    """Return the value that text is the beginning of, if it ends in a string of an object or behind one."""
    for closing in ('"}', "}", '"}}', "}}"):
        try:
            return _DECODER.decode(text.rstrip("\\") + closing)
        except (ValueError, RecursionError):
            continue
    return None


def _calls(value: Any, depth: int = 8) -> Iterator[dict[str, Any]]:
    """Yield the calls in a value, renamed to what their keys are here."""
    if isinstance(value, str) and "_str" in value:
        with suppress(ValueError, RecursionError):
            value = _DECODER.decode(value)
    if isinstance(value, dict):
        call: dict[str, Any] = {_ALIASES.get(str(key), str(key)): item for key, item in value.items()}
        if isinstance(call.get("command"), str) or call.keys() & {"old_str", "insert_line"}:
            yield call
            return
        value = list(value.values())
    if isinstance(value, list) and depth:
        for item in value:
            yield from _calls(item, depth - 1)


def _make(draft: Draft, line: int, call: dict[str, Any], *, cut: bool) -> None:
    """Make the change of a call as well as it can be made."""
    command = call.get("command") or ("str_replace" if "old_str" in call else "insert")
    if (fields := _FIELDS.get(command)) is None:
        draft.note(line, "command", f"{shorten(command)} changes nothing; ignored")
        return
    wrong = [key for key, kind in fields.items() if not isinstance(call.get(key), kind)]
    if cut and wrong:
        draft.note(line, "truncated", f"the text ends before {wrong[0]!r}; ignored")
        return
    unknown = [key for key in call if key not in ("command", "path", *fields)]
    for key in (*wrong, *unknown):
        draft.note(line, "key", f"{shorten(key)} is {'not there' if key in wrong else 'not known; ignored'}")
    values = {key: call[key] for key in fields if key not in wrong}
    new = values.get("new_str", "")
    if command == "create" and not wrong:
        draft.note(line, "command", "replaces the whole text")
        draft.change(line, list(draft.lines), Program.from_text(values["file_text"]).lines, cut=False)
    elif command == "insert" and "new_str" not in wrong:
        draft.change(line, (), new.split("\n"), cut=cut, at=values.get("insert_line"))
    elif command == "str_replace" and "old_str" not in wrong:
        _replace(draft, line, values["old_str"], new, cut=cut)


def _replace(draft: Draft, line: int, old: str, new: str, *, cut: bool) -> None:
    text = _text(draft.lines)
    above = len(_text(draft.lines[: draft.cursor]))
    at = max(text.find(old, above), text.find(old)) if old else -1
    if at < 0:  # not as it is; perhaps with other blanks
        both = old.endswith("\n") and (not new or new.endswith("\n"))
        lines = [part.removesuffix("\n" if both else "").split("\n") if part else [] for part in (old, new)]
        draft.change(line, *lines, cut=cut)
        return
    if text.find(old, text.find(old) + 1) >= 0:
        draft.note(line, "ambiguous", f"{shorten(old)} occurs several times")
    hunk = _replacement(text, at, old, new)
    draft.change(line, draft.lines[hunk.position : hunk.end], hunk.lines, cut=cut, at=hunk.position)


def _opens(piece: Piece, _more: bool) -> bool:
    return any(_START.search(row) for row in piece.lines)


@lru_cache(256)
def str_replace(path: str = "") -> Codec:
    """Return the format whose calls name a file, or none."""
    return Codec.by_edit(
        f"str-replace:{path}" if path else "str-replace",
        partial(_write, path=path),
        partial(_read, path=path),
        Repair(_repair, _opens, _INLINE),
        any_context=True,
    )


STR_REPLACE = str_replace()
