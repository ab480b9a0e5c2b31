"""Plain data across the process boundary: arguments on their way in, results of untrusted programs on their way out.

A value becomes a table of nodes in JSON that refer to each other by index, so shared and cyclic values keep their
shape and nesting uses no stack. Decoding creates nothing but None, bool, int, float, complex, str, bytes, list, tuple,
set, frozenset, dict and `OpaqueValue`. Values of other types:

    a subclass of one of these       becomes the base type, its content read by the base type's own methods
                                     (a Counter becomes a dict, a namedtuple a tuple, an IntEnum an int)
    bytearray                        becomes bytes
    a numpy number, bool or string   becomes the Python one
    a numpy array                    becomes what its `tolist()` returns
    anything else                    becomes an `OpaqueValue`: the name of its type and its `repr`
"""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

from lintseq.errors import PlainDataError
from lintseq.sandbox.job import OpaqueValue

MAX_DEPTH = 400
"""Values nested more deeply become an `OpaqueValue`."""
_INLINE_INT = 1 << 63
_MAX_REPR = 400
_MAX_HASHED = 20_000_000


def encode(value: object, *, max_bytes: int | None = None) -> bytes:
    """Return a value as one line of bytes; raises `PlainDataError` if it is longer than `max_bytes`."""
    nodes = _Encoder(max_bytes).table(value)
    try:
        text = json.dumps(nodes, separators=(",", ":"), check_circular=False).encode()
    except RecursionError as error:
        raise PlainDataError("the value is nested too deeply") from error
    if max_bytes is not None and len(text) > max_bytes:
        raise PlainDataError(f"the value takes more than {max_bytes:,} bytes")
    return text


class _Encoder:
    """Builds the table of one value. Calls methods on the base types, so that no subclass can interfere."""

    def __init__(self, max_bytes: int | None) -> None:
        self._nodes: list[Any] = []
        self._indices: dict[int, int] = {}
        self._pending: list[tuple[int, object, int]] = []
        self._kept: list[object] = []
        """Every value with an index, so that its id is not reused."""
        self._bytes_left = max_bytes

    def table(self, value: object) -> list[Any]:
        root = self._element(value, 0)
        while self._pending:
            index, container, depth = self._pending.pop()
            self._nodes[index] = self._node(container, depth)
        return [root, self._nodes]

    def _element(self, value: Any, depth: int) -> Any:
        """Return what represents a value inside another: itself, or a list that holds its index in the table."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if (kind is int and -_INLINE_INT < value < _INLINE_INT) or (kind is float and value - value == 0):
            return value
        if kind is str and str.isascii(value):
            self._spend(str.__len__(value))
            return value
        index = self._indices.get(id(value))
        if index is None:
            index = self._indices[id(value)] = len(self._nodes)
            self._nodes.append(None)
            self._kept.append(value)
            self._pending.append((index, value, depth))
            self._spend(8)
        return [index]

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
            return self._text_node(str.__str__(value))
        if issubclass(kind, bytes | bytearray):
            return self._counted("bytes", base64.b64encode(memoryview(value)).decode())
        if depth > MAX_DEPTH:
            return ["other", _type_name(kind), None]
        for base in (list, tuple, set, frozenset):
            if issubclass(kind, base):
                return [base.__name__, [self._element(item, depth + 1) for item in base.__iter__(value)]]
        if issubclass(kind, dict):
            return ["dict", [self._element(part, depth + 1) for pair in dict.items(value) for part in pair]]
        if kind is OpaqueValue:
            return ["other", value.type, value.text]
        plain = _without_numpy(value)
        if plain is not value:
            return ["same", self._element(plain, depth + 1)]
        return ["other", _type_name(kind), _safe_repr(value)]

    def _text_node(self, text: str) -> list[Any]:
        try:
            text.encode()
        except UnicodeEncodeError:  # lone surrogates, which JSON would join
            return self._counted("halves", text.encode("utf-8", "surrogatepass").hex())
        return self._counted("str", text)

    def _counted(self, kind: str, text: str) -> list[Any]:
        self._spend(len(text))
        return [kind, text]

    def _spend(self, size: int) -> None:
        """Stop before memory fills with what will not be sent anyway."""
        if self._bytes_left is not None:
            self._bytes_left -= size
            if self._bytes_left < 0:
                raise PlainDataError("the value is too large")


def _without_numpy(value: Any) -> Any:
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


def _type_name(kind: type) -> str:
    try:
        return f"{kind.__module__}.{kind.__qualname__}"[:_MAX_REPR]
    except Exception:  # a metaclass may do anything
        return "?"


def _safe_repr(value: object) -> str | None:
    """Return the `repr` of a value, or None if it fails, is long, or only gives an address."""
    try:
        text = str.__str__(repr(value))
        return None if " at 0x" in text or len(text) > _MAX_REPR else text.encode("utf-8", "replace").decode()
    except Exception:
        return None


def decode(data: bytes) -> Any:
    """Return the value that `encode` wrote; raises `PlainDataError` for anything else."""
    try:
        root, nodes = json.loads(data)
        if type(nodes) is not list:
            raise PlainDataError("there is no table of nodes")
        return _Decoder(nodes).value(root)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, AttributeError) as error:
        raise PlainDataError(f"not plain data: {type(error).__name__}: {str(error)[:200]}") from error


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "float": float,
    "str": str,
    "halves": lambda text: bytes.fromhex(text).decode("utf-8", "surrogatepass"),
    "bytes": lambda text: base64.b64decode(text, validate=True),
}
"""How to build a value from the text of its node, by kind of node."""


class _Decoder:
    """Builds values from a table that may be malicious."""

    def __init__(self, nodes: list[Any]) -> None:
        self._nodes = nodes
        self._values: dict[int, Any] = {}
        self._weights: dict[int, int] = {}
        """How many values hashing a tuple or set visits, by index; a shared part counts each time."""
        self._hashes_left = _MAX_HASHED
        self._unfilled: list[int] = []

    def value(self, root: Any) -> Any:
        """Return the value of the root element, complete."""
        value = self._element(root, 0)
        while self._unfilled:
            index = self._unfilled.pop()
            _, content = self._nodes[index]
            container = self._values[index]
            values = [self._element(part, 0) for part in content]
            if type(container) is list:
                container.extend(values)
            else:
                self._check_hashes(content[::2], values[::2])
                container.update(zip(values[::2], values[1::2], strict=True))
        return value

    def _element(self, element: Any, depth: int) -> Any:
        if type(element) is not list:
            if type(element) is dict:
                raise PlainDataError("an element is a JSON object")
            return element
        (index,) = element
        if type(index) is not int or index < 0:
            raise PlainDataError("an index is not a natural number")
        if index not in self._values:
            # Deeply nested keys would exhaust the stack when they are hashed.
            if depth > MAX_DEPTH + 10:
                raise PlainDataError("the value is nested too deeply, or contains itself")
            self._values[index] = self._build(index, depth)
        return self._values[index]

    def _build(self, index: int, depth: int) -> Any:
        kind, *content = self._nodes[index]
        if kind in ("list", "dict"):  # filled later, since it may contain itself
            self._unfilled.append(index)
            return [] if kind == "list" else {}
        if kind == "other":
            name, text = content
            return OpaqueValue(str(name), None if text is None else str(text))
        if kind == "complex":
            real, imaginary = content
            return complex(float(real), float(imaginary))
        (first,) = content
        if kind in ("tuple", "set", "frozenset"):
            values = [self._element(part, depth + 1) for part in first]
            self._weights[index] = 1 + sum(map(self._weight, first))
            if kind == "tuple":
                return tuple(values)
            self._check_hashes(first, values)
            return set(values) if kind == "set" else frozenset(values)
        if kind == "same":
            return self._element(first, depth + 1)
        if kind not in _SCALARS:
            raise PlainDataError(f"a node has the unknown kind {str(kind)[:50]!r}")
        return _SCALARS[kind](first)

    def _weight(self, element: Any) -> int:
        return self._weights.get(element[0], 1) if type(element) is list else 1

    def _check_hashes(self, elements: list[Any], keys: list[Any]) -> None:
        """Refuse keys made to take hours: huge when expanded, or colliding."""
        self._hashes_left -= sum(map(self._weight, elements))
        if self._hashes_left < 0:
            raise PlainDataError("the keys are too large")
        if len(keys) > 1000 and 2 * len({hash(key) for key in keys}) < len(keys):
            raise PlainDataError("the keys collide")
