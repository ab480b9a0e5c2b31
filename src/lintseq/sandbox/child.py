"""Runs one program in a process that has given up its rights, and reports a verdict.

Decides what counts as passed, failed or raised. The process always ends here. A verdict counts only
with the nonce that lies unread in the channel until the program has finished, and only if the process then exits with
status 0. Whatever is used after the program has run is bound before, since the program may have replaced it.
"""

import atexit
import builtins
import gc
import json
import linecache
import os
import random
import re
import resource
import signal
import sys
import threading
import traceback
import types
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from lintseq.errors import PlainDataError
from lintseq.sandbox.data import encode

PROGRAM_FILE = "program.py"
CHECK_FILE = "<check>"
STARTED = b"started"
"""Written to the channel before the program starts; later failures are the program's own."""
NONCE_BYTES = 16
MAX_RESULT_BYTES = 16 << 20
_MAX_DETAIL = 500
_strip_colors = re.compile(r"\x1b\[[0-9;]*m").sub

_Message = dict[str, str]
_Send = Callable[[_Message], None]


def run(job: dict[str, Any], channel: int, folder: str) -> NoReturn:
    """Do what the job asks, and end the process."""
    send, exit_process = _sender(channel), os._exit
    path = _prepare(job["program"], folder)
    name = "__main__" if job["task"] == "stdin" else "program"
    module = types.ModuleType(name)
    module.__file__ = path
    sys.modules["__main__"] = sys.modules[name] = module
    namespace = module.__dict__
    del module  # a program that runs as a whole must be freed when it ends
    os.write(channel, STARTED + b"\n")
    status = 1
    try:
        if job["task"] == "stdin":
            del namespace
            status = _run_with_stdin(job, send)
        else:
            getpid, pid = os.getpid, os.getpid()
            flush = sys.stdout.flush, sys.stderr.flush
            message = _run_check(job, namespace) if job["task"] == "check" else _run_calls(job, namespace, send)
            if getpid() == pid:
                _flush(flush)
                send(message)
                status = 0
    finally:
        exit_process(status)


def _sender(
    channel: int, *, quote: Any = json.encoder.encode_basestring_ascii, write: Any = os.write, read: Any = os.read
) -> _Send:
    """Return a function that sends a line; the verdict, which is the last line, is preceded by the nonce."""

    def send(message: _Message) -> None:
        # Not with `json.dumps`, which would use classes that the program can change.
        parts = [f"{quote(name)}:{quote(value)}" for name, value in message.items()]
        line = f"{{{','.join(parts)}}}\n".encode()
        if "verdict" in message:
            line = read(channel, NONCE_BYTES) + line
        while line:
            line = line[write(channel, line) :]

    return send


def _prepare(source: str, folder: str) -> str:
    """Make this process look freshly started for the program; return the program's path."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    data = source.encode("utf-8", "replace")
    seed = zlib.crc32(data)
    random.seed(seed)
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed(seed)
    path = os.path.join(os.path.dirname(folder), PROGRAM_FILE)
    with open(path, "wb", buffering=0) as file:
        file.write(data)
    sys.argv = [path]
    sys.path.insert(0, folder)
    return path


_BUILTINS = vars(builtins)
_ORIGINAL_BUILTINS = dict(_BUILTINS)


def _flush(streams: tuple[Callable[[], None], ...]) -> None:
    for flush in streams:
        with suppress(OSError, ValueError):
            flush()


def _memory_releaser() -> Callable[[], None]:
    """Return a function that gives a program which is out of memory the reserve that it needs to report it."""
    limits = (resource.RLIMIT_DATA, resource.RLIMIT_AS)
    hard_limits = [(which, (hard, hard)) for which in limits for hard in resource.getrlimit(which)[1:]]
    setrlimit = resource.setrlimit

    def release() -> None:
        for which, limit in hard_limits:
            setrlimit(which, limit)

    return release


# Code after the program


def _run_check(job: dict[str, Any], namespace: dict[str, Any]) -> _Message:
    """Return the verdict on the program and the code after it."""
    code: str = job["code"]
    release_memory = _memory_releaser()
    restore, original = _BUILTINS.update, _ORIGINAL_BUILTINS
    stop_tracing = sys.settrace, sys.setprofile
    linecache.cache[CHECK_FILE] = (len(code), None, code.splitlines(keepends=True), CHECK_FILE)
    checking = False
    try:
        exec(compile(job["program"], namespace["__file__"], "exec", dont_inherit=True), namespace)
        restore(original)
        for function in stop_tracing:
            function(None)
        compiled = compile(code, CHECK_FILE, "exec", dont_inherit=True)
        checking = True
        exec(compiled, namespace)
        return {"verdict": "passed"}
    except BaseException as error:
        release_memory()
        restore(original)
        return _failure(error, code if checking else None)


def _failure(error: BaseException, check: str | None) -> _Message:
    """Return the verdict on a program that raised; `check` is the code after it, if it got that far."""
    name, text, line = type_name(error), message_of(error), _line_of(error)
    verdict = "error"
    if isinstance(error, MemoryError):
        verdict, detail = "memory", f"{name}{line}"
    elif isinstance(error, AssertionError) and check is not None:
        assertion = _failed_line(error, check)
        assertion = "" if assertion.startswith("raise ") else assertion
        verdict = "failed"
        detail = _one_line(assertion + (f" ({text})" if text and assertion else text)) or name
    elif isinstance(error, SystemExit):
        detail = _one_line(f"left early: {name}({text}){line}")
    else:
        detail = _one_line(f"{name}: {text}{line}" if text else name + line)
    return {"verdict": verdict, "detail": detail, "error": name}


def type_name(error: BaseException) -> str:
    name = type(error).__name__
    return str.__str__(name)[:100] if isinstance(name, str) else "?"


def message_of(error: BaseException) -> str:
    """Return the message of an exception on one short line, even if its methods misbehave."""
    try:
        return _one_line(str.__str__(str(error)))
    except Exception:
        return "?"


def _one_line(text: str) -> str:
    line = " ".join(_strip_colors("", text[: 4 * _MAX_DETAIL]).split())
    line = line.encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= _MAX_DETAIL else f"{line[: _MAX_DETAIL - 4]} ..."


def _line_of(error: BaseException) -> str:
    """Return which line of the program, or else of the check, an exception comes from."""
    line = ""
    for file, lineno in _frames(error):
        if file.endswith(f"/{PROGRAM_FILE}"):
            line = f" (line {lineno})"
        elif file == CHECK_FILE:
            line = f" (line {lineno} of the check)"
    return line


def _failed_line(error: BaseException, check: str) -> str:
    """Return the last line of the check that an exception passed through."""
    lines = check.splitlines()
    passed = [lineno for file, lineno in _frames(error) if file == CHECK_FILE and 0 < lineno <= len(lines)]
    return lines[passed[-1] - 1].strip() if passed else ""


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    """Yield file and line number of the frames that an exception passed through, outermost first."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


# Function calls


def _run_calls(job: dict[str, Any], namespace: dict[str, Any], send: _Send) -> _Message:
    """Send the outcome of each call, and return the verdict."""
    name = job["function"]
    getpid, pid = os.getpid, os.getpid()
    bytes_left = MAX_RESULT_BYTES
    release_memory = _memory_releaser()
    try:
        exec(compile(job["program"], namespace["__file__"], "exec", dont_inherit=True), namespace)
        function = namespace[name] if name in namespace else eval(name, namespace)
        for arguments in job["arguments"]:
            try:
                data = encode(function(*arguments()), max_bytes=bytes_left)
                bytes_left -= len(data)
                outcome = {"returned": data.decode()}
            except MemoryError:
                raise
            except PlainDataError as error:
                return {"verdict": "output", "detail": f"what {name} returns: {error}"}
            except BaseException as error:
                outcome = {"raised": type_name(error), "message": message_of(error)}
            if getpid() != pid:
                break
            send(outcome)
        return {"verdict": "passed"}
    except BaseException as error:
        release_memory()
        return _failure(error, None)


# Standard input


def _run_with_stdin(job: dict[str, Any], send: _Send) -> int:
    """Run the program as the interpreter would, to the end of its threads, exit functions and objects.

    Some programs print their output when an object is freed.
    """
    status: int = 0
    getpid, pid = os.getpid, os.getpid()
    message: _Message = {"verdict": "passed"}
    release_memory = _memory_releaser()
    collect, path = gc.collect, sys.argv[0]
    try:
        exec(compile(job["program"], path, "exec", dont_inherit=True), sys.modules["__main__"].__dict__)
    except SystemExit as leaving:
        code = leaving.code
        status = 0 if code is None else code if isinstance(code, int) else 1
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
        if status & 0xFF:
            message = {"verdict": "error", "detail": f"left with status {status & 0xFF}", "error": "SystemExit"}
    except BaseException as error:
        status = 1
        release_memory()
        message = _failure(error, None)
        _print_traceback(error, path)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _flush((sys.stdout.flush, sys.__stdout__.flush, sys.__stderr__.flush))  # type: ignore[union-attr]
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    _BUILTINS.update(_ORIGINAL_BUILTINS)
    sys.modules.pop("__main__", None)
    collect()
    _flush((sys.__stdout__.flush, sys.__stderr__.flush))  # type: ignore[union-attr]
    if getpid() == pid:
        send(message)
    return status & 0xFF


def _print_traceback(error: BaseException, path: str) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    try:
        traceback.print_exception(type(error), error, trace, file=sys.stderr)
    except Exception:  # its own methods may raise
        sys.stderr.write(f"{type_name(error)}\n")
