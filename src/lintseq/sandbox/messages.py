"""Messages between a fork server and the user's process: JSON preceded by its length, over a socket."""

import json
import socket
import time
from collections.abc import Sequence
from typing import Any

MAX_DESCRIPTORS = 8


def send(control: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a message with file descriptors; raises `OSError` if the connection is broken."""
    text = json.dumps(message).encode()
    length = len(text).to_bytes(4, "big")
    if descriptors:
        socket.send_fds(control, [length], descriptors)
        control.sendall(text)
    else:
        control.sendall(length + text)


def receive(control: socket.socket, deadline: float) -> dict[str, Any]:
    """Return the next message.

    Raises `TimeoutError` at `deadline` (monotonic seconds), `EOFError` if the connection was closed, and another
    `OSError` if it is broken.
    """
    length = _receive_exactly(control, 4, deadline)
    return _receive_text(control, length, deadline)


def receive_with_descriptors(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next message and the file descriptors that came with it; raises as `receive`, without a deadline."""
    length, descriptors, _, _ = socket.recv_fds(control, 4, MAX_DESCRIPTORS)
    if not length:
        raise EOFError
    length += _receive_exactly(control, 4 - len(length), None)
    return _receive_text(control, length, None), descriptors


def _receive_text(control: socket.socket, length: bytes, deadline: float | None) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(_receive_exactly(control, int.from_bytes(length, "big"), deadline))
    return message


def _receive_exactly(control: socket.socket, count: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < count:
        if deadline is not None:
            control.settimeout(max(0.01, deadline - time.monotonic()))
        part = control.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    control.settimeout(None)
    return data
