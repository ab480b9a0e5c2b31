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


def receive(control: socket.socket, deadline: float | None = None) -> tuple[dict[str, Any], list[int]]:
    """Return the next message and the file descriptors that came with it.

    Raises `TimeoutError` at `deadline` (monotonic seconds), `EOFError` if the connection was closed, and another
    `OSError` if it is broken.
    """
    if deadline is not None:
        control.settimeout(max(0.01, deadline - time.monotonic()))
    length, descriptors, _, _ = socket.recv_fds(control, 4, MAX_DESCRIPTORS)
    if not length:
        raise EOFError
    length += _receive_exactly(control, 4 - len(length), deadline)
    text = _receive_exactly(control, int.from_bytes(length, "big"), deadline)
    return json.loads(text), descriptors


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
