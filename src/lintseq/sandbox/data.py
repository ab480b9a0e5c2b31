"""Values as plain data that is safe to read, whoever wrote it: arguments on their way in, results on their way out.

Owns the form; knows nothing of programs. A value becomes a table of nodes in JSON that refer to each other by their
place, so that shared and cyclic values keep their shape and nesting costs no stack. Reading makes nothing but None,
bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict and `OpaqueValue`.

What a value of another type becomes:

    a subclass of one of those       the type that it is a subclass of, its content taken by that type's own methods
                                     (a Counter is a dict, a namedtuple a tuple, an IntEnum an int)
    bytearray                        bytes
    a number or text of numpy        the plain number or text; numpy's bool is bool
    an array of numpy                what its `tolist()` gives: lists of plain numbers, or one number
    anything else                    `OpaqueValue`: the name of its type and how it writes itself
"""

import base64
import json
import sys
from typing import Any

from lintseq.sandbox.job import OpaqueValue

DEEPEST = 400
"""Lists in lists and the like; what is deeper is an `OpaqueValue`."""
_WIDEST_WORD = 1 << 63
_LONGEST_REPR = 400
_MOST_HASHED = 20_000_000


class DataError(ValueError):
    """Something that is not data in this form, or more of it than is allowed."""


def encode(value: object, *, most: int | None = None) -> bytes:
    """Return a value as one line of bytes; raise if it has more than `most` of them."""
    nodes = _Writer(most).table(value)
    try:
        text = json.dumps(nodes, separators=(",", ":"), check_circular=False).encode()
    except RecursionError as error:
        raise DataError("the value is nested too deeply") from error
    if most is not None and len(text) > most:
        raise DataError(f"the value takes more than {most:,} bytes")
    return text


class _Writer:
    """Makes the table of one value. Methods of types are called by their names, so that no subclass has a say."""

    def __init__(self, most: int | None) -> None:
        self._nodes: list[Any] = []
        self._places: dict[int, int] = {}
        self._pending: list[tuple[int, object, int]] = []
        self._kept: list[object] = []
        """Everything that has a place, lest its id be given to something else."""
        self._left = most

    def table(self, value: object) -> list[Any]:
        root = self._element(value, 0)
        while self._pending:
            place, container, depth = self._pending.pop()
            self._nodes[place] = self._node(container, depth)
        return [root, self._nodes]

    def _element(self, value: object, depth: int) -> Any:
        """Return what stands for a value inside of another: itself, or a list that holds its place in the table."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int and -_WIDEST_WORD < value < _WIDEST_WORD:  # type: ignore[operator]
            return value
        if kind is float and value - value == 0:  # type: ignore[operator]
            return value
        if kind is str and str.isascii(value):  # type: ignore[arg-type]
            self._spend(str.__len__(value))  # type: ignore[arg-type]
            return value
        place = self._places.get(id(value))
        if place is None:
            place = self._places[id(value)] = len(self._nodes)
            self._nodes.append(None)
            self._kept.append(value)
            self._pending.append((place, value, depth))
            self._spend(8)
        return [place]

    def _elements(self, values: Any, depth: int) -> list[Any]:
        return [self._element(value, depth + 1) for value in values]

    def _node(self, value: Any, depth: int) -> list[Any]:
        kind = type(value)
        if issubclass(kind, int):
            return ["int", hex(int.__int__(value))]
        if issubclass(kind, float):
            return ["float", float.__repr__(float.__float__(value))]
        if issubclass(kind, complex):
            exact = complex.__pos__(value)
            return ["complex", float.__repr__(exact.real), float.__repr__(exact.imag)]
        if issubclass(kind, str):
            return self._text(str.__str__(value))
        if issubclass(kind, bytes | bytearray):
            data = base64.b64encode(memoryview(value)).decode()
            self._spend(len(data))
            return ["bytes", data]
        if depth > DEEPEST:
            return ["other", _name(kind), None]
        if issubclass(kind, list):
            return ["list", self._elements(list.__iter__(value), depth)]
        if issubclass(kind, tuple):
            return ["tuple", self._elements(tuple.__iter__(value), depth)]
        if issubclass(kind, dict):
            flat = [part for pair in dict.items(value) for part in pair]
            return ["dict", self._elements(flat, depth)]
        if issubclass(kind, set):
            return ["set", self._elements(set.__iter__(value), depth)]
        if issubclass(kind, frozenset):
            return ["frozenset", self._elements(frozenset.__iter__(value), depth)]
        if kind is OpaqueValue:
            return ["other", value.type, value.text]
        plain = _plain_of_numpy(value)
        if plain is not value:
            return ["same", self._element(plain, depth + 1)]
        return ["other", _name(kind), _written(value)]

    def _text(self, text: str) -> list[Any]:
        try:
            text.encode()
        except UnicodeEncodeError:  # halves of pairs, which JSON would join
            data = text.encode("utf-8", "surrogatepass").hex()
            self._spend(len(data))
            return ["halves", data]
        self._spend(len(text))
        return ["str", text]

    def _spend(self, size: int) -> None:
        """Stop before memory is filled with what will not be sent anyway."""
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise DataError("the value is too large")


def _plain_of_numpy(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return value
    try:
        if issubclass(type(value), numpy.ndarray):
            return numpy.ndarray.tolist(value)
        if issubclass(type(value), numpy.generic):
            plain = value.item()
            return plain if type(plain).__module__ == "builtins" else value
    except Exception:  # something that only looks like numpy
        return value
    return value


def _name(kind: type) -> str:
    try:
        return f"{kind.__module__}.{kind.__qualname__}"[:_LONGEST_REPR]
    except Exception:  # a metaclass may do anything
        return "?"


def _written(value: object) -> str | None:
    """Return how a value writes itself, or None if that says no more than where it is in memory, or too much."""
    try:
        text = str.__str__(repr(value))
        return None if " at 0x" in text or len(text) > _LONGEST_REPR else text.encode("utf-8", "replace").decode()
    except Exception:
        return None


def decode(data: bytes) -> Any:
    """Return the value that `encode` wrote; raise `DataError` for anything else."""
    try:
        table = json.loads(data)
        root, nodes = table
        if type(nodes) is not list:
            raise DataError("no table of nodes")
        return _Reader(nodes).element(root)
    except DataError:
        raise
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, AttributeError) as error:
        raise DataError(f"not data in lintseq's form: {type(error).__name__}: {str(error)[:200]}") from error


class _Reader:
    def __init__(self, nodes: list[Any]) -> None:
        self._nodes = nodes
        self._values: dict[int, Any] = {}
        self._weights: dict[int, int] = {}
        """Of tuples and sets: how many values hashing them looks at; one that is shared counts each time."""
        self._to_hash = _MOST_HASHED
        self._unfilled: list[int] = []

    def element(self, element: Any) -> Any:
        """Return the value that an element at the root stands for, with all that is in it."""
        value = self._value(element, 0)
        while self._unfilled:
            place = self._unfilled.pop()
            _, content = self._nodes[place]
            filled = self._values[place]
            if type(filled) is list:
                filled.extend(self._value(part, 0) for part in content)
            else:
                self._fill(filled, content)
        return value

    def _value(self, element: Any, depth: int) -> Any:
        if type(element) is not list:
            if type(element) is dict:
                raise DataError("an object of JSON among the elements")
            return element
        (place,) = element
        if type(place) is not int or place < 0:
            raise DataError("a place that is none")
        if place not in self._values:
            # Deep keys would exhaust the stack when they are hashed.
            if depth > DEEPEST + 10:
                raise DataError("the value is nested too deeply, or holds itself")
            self._values[place] = self._made(place, depth)
        return self._values[place]

    def _made(self, place: int, depth: int) -> Any:
        kind, *content = self._nodes[place]
        if kind in ("list", "dict"):  # filled later: it may hold itself
            self._unfilled.append(place)
            return [] if kind == "list" else {}
        if kind == "other":
            name, text = content
            return OpaqueValue(str(name), None if text is None else str(text))
        (first, *rest) = content
        if kind == "complex":
            return complex(float(first), float(rest[0]))
        if rest:
            raise DataError("a node with too much in it")
        if kind in ("tuple", "set", "frozenset"):
            values = [self._value(part, depth + 1) for part in first]
            self._weights[place] = 1 + sum(map(self._weight, first))
            if kind == "tuple":
                return tuple(values)
            self._check_hashes(first, values)
            return set(values) if kind == "set" else frozenset(values)
        if kind == "int":
            return int(first, 16)
        if kind == "float":
            return float(first)
        if kind == "str":
            return str(first)
        if kind == "halves":
            return bytes.fromhex(first).decode("utf-8", "surrogatepass")
        if kind == "bytes":
            return base64.b64decode(first, validate=True)
        if kind == "same":
            return self._value(first, depth + 1)
        raise DataError(f"a node of an unknown kind {str(kind)[:50]!r}")

    def _fill(self, filled: dict[Any, Any], content: list[Any]) -> None:
        values = [self._value(part, 0) for part in content]
        keys = values[::2]
        self._check_hashes(content[::2], keys)
        filled.update(zip(keys, values[1::2], strict=True))

    def _weight(self, element: Any) -> int:
        return self._weights.get(element[0], 1) if type(element) is list else 1

    def _check_hashes(self, elements: list[Any], keys: list[Any]) -> None:
        """Refuse keys that were made to take hours: by being huge when written out, or by colliding."""
        self._to_hash -= sum(map(self._weight, elements))
        if self._to_hash < 0:
            raise DataError("keys that are too large")
        if len(keys) > 1000 and 2 * len({hash(key) for key in keys}) < len(keys):
            raise DataError("keys that collide")
