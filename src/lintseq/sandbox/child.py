"""Running one program in a process that has given up its rights, and telling how it went.

Owns what counts as passed, failed or raised, and the words for it. The process ends here, whatever the program
does; a verdict counts only with the number that lies unread in the channel until the program is through, and
only if the process then ends with status 0. What is used after the program has run is bound beforehand, since
the program may have replaced it.
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
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from lintseq.sandbox.data import DataError, encode

PROGRAM_FILE = "program.py"
CHECK_FILE = "<check>"
STARTED = b"started"
"""What a process writes into its channel before the program starts; what goes wrong later is the program's own."""
NUMBER_BYTES = 16
_LONGEST_DETAIL = 500
MOST_RESULT_BYTES = 16 << 20
_WITHOUT_COLORS = re.compile(r"\x1b\[[0-9;]*m").sub

_Tell = Callable[[dict[str, str]], None]


def run(job: dict[str, Any], channel: int, folder: str) -> NoReturn:
    """Do what the job asks and end the process."""
    tell, leave = _teller(channel), os._exit
    path = _prepare(job["program"], folder)
    module = _new_module("__main__" if job["task"] == "stdin" else "program", path)
    space = module.__dict__
    del module  # for a program that is run as a whole, it has to go when that is over
    os.write(channel, STARTED + b"\n")
    status = 1
    try:
        if job["task"] == "check":
            status = _check(job, space, tell)
        elif job["task"] == "calls":
            status = _calls(job, space, tell)
        else:
            del space
            status = _stdin(job, tell)
    finally:
        leave(status)


def _teller(
    channel: int, *, quoted: Any = json.encoder.encode_basestring_ascii, write: Any = os.write, read: Any = os.read
) -> _Tell:
    """Return what sends a line; the last line of all, the verdict, is led by the number from the channel."""

    def tell(message: dict[str, str]) -> None:
        # Not by `json.dumps`, which would ask classes that the program can change.
        parts = [f"{quoted(name)}:{quoted(value)}" for name, value in message.items()]
        line = f"{{{','.join(parts)}}}\n".encode()
        if "verdict" in message:
            line = read(channel, NUMBER_BYTES) + line
        while line:
            line = line[write(channel, line) :]

    return tell


def _prepare(source: str, folder: str) -> str:
    """Make this process look like one that has just been started for the program; return where that lies."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    data = source.encode("utf-8", "replace")
    seed = zlib.crc32(data)
    random.seed(seed)
    if (chance := sys.modules.get("numpy.random")) is not None:
        chance.seed(seed)
    path = os.path.join(os.path.dirname(folder), PROGRAM_FILE)
    with open(path, "wb", buffering=0) as file:
        file.write(data)
    sys.argv = [path]
    sys.path.insert(0, folder)
    return path


def _new_module(name: str, path: str) -> types.ModuleType:
    """Return the module that the program is to fill."""
    module = types.ModuleType(name)
    module.__file__ = path
    sys.modules["__main__"] = sys.modules[name] = module
    return module


_BUILTINS = vars(builtins)
_TRUE_BUILTINS = dict(_BUILTINS)


# Code behind the program


def _check(job: dict[str, Any], space: dict[str, Any], tell: _Tell) -> int:
    code: str = job["code"]
    relieve = _reliever()
    restore, true = _BUILTINS.update, _TRUE_BUILTINS
    untrace = sys.settrace, sys.setprofile
    flush = sys.stdout.flush, sys.stderr.flush
    linecache.cache[CHECK_FILE] = (len(code), None, code.splitlines(keepends=True), CHECK_FILE)
    getpid, pid = os.getpid, os.getpid()
    checking = False
    try:
        exec(compile(job["program"], space["__file__"], "exec", dont_inherit=True), space)
        restore(true)
        for function in untrace:
            function(None)
        compiled = compile(code, CHECK_FILE, "exec", dont_inherit=True)
        checking = True
        exec(compiled, space)
        message = {"verdict": "passed"}
    except BaseException as error:
        relieve()
        restore(true)
        message = _describe(error, code if checking else None)
    if getpid() != pid:
        return 1
    _flush(flush)
    tell(message)
    return 0


def _flush(streams: tuple[Callable[[], None], ...]) -> None:
    for flush in streams:
        with suppress(OSError, ValueError):
            flush()


def _reliever() -> Callable[[], None]:
    """Return what gives a program that is out of memory the little that is kept back for telling of it."""
    limits = (resource.RLIMIT_DATA, resource.RLIMIT_AS)
    last = [(which, (hard, hard)) for which in limits for hard in resource.getrlimit(which)[1:]]
    setrlimit = resource.setrlimit

    def relieve() -> None:
        for which, most in last:
            setrlimit(which, most)

    return relieve


def _describe(error: BaseException, check: str | None) -> dict[str, str]:
    """Return the verdict on a program that raised; `check` is the code behind it if it came so far."""
    name = kind_of(error)
    text = words_of(error)
    at = _place(error)
    if isinstance(error, MemoryError):
        return {"verdict": "memory", "detail": f"{name}{at}", "error": name}
    if isinstance(error, AssertionError) and check is not None:
        line = _line_of_check(error, check)
        line = "" if line.startswith("raise ") else line
        said = f" ({text})" if text and line else text
        return {"verdict": "failed", "detail": _short(line + said) or name, "error": name}
    if isinstance(error, SystemExit):
        return {"verdict": "error", "detail": _short(f"left early: {name}({text}){at}"), "error": name}
    return {"verdict": "error", "detail": _short(f"{name}: {text}{at}" if text else name + at), "error": name}


def kind_of(error: BaseException) -> str:
    name = type(error).__name__
    return str.__str__(name)[:100] if isinstance(name, str) else "?"


def words_of(error: BaseException) -> str:
    """Return what an exception says, in one short line, whatever its methods do."""
    try:
        return _short(str.__str__(str(error)))
    except Exception:
        return "?"


def _short(text: str) -> str:
    line = " ".join(_WITHOUT_COLORS("", text[: 4 * _LONGEST_DETAIL]).split())
    line = line.encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 4]} ..."


def _place(error: BaseException) -> str:
    """Return the line of the program, or else of the check, that an exception comes from."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(f"/{PROGRAM_FILE}"):
            place = f" (line {trace.tb_lineno})"
        elif file == CHECK_FILE:
            place = f" (line {trace.tb_lineno} of the check)"
        trace = trace.tb_next
    return place


def _line_of_check(error: BaseException, check: str) -> str:
    """Return the line of the check that an exception passed through last."""
    trace, number = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == CHECK_FILE:
            number = trace.tb_lineno
        trace = trace.tb_next
    lines = check.splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


# CallFunction


def _calls(job: dict[str, Any], space: dict[str, Any], tell: _Tell) -> int:
    name = job["function"]
    flush = sys.stdout.flush, sys.stderr.flush
    getpid, pid = os.getpid, os.getpid()
    left = MOST_RESULT_BYTES
    relieve = _reliever()
    message: dict[str, str] = {"verdict": "passed"}
    try:
        exec(compile(job["program"], space["__file__"], "exec", dont_inherit=True), space)
        function = space[name] if name in space else eval(name, space)
        for arguments in job["arguments"]:
            try:
                value = function(*arguments())
                data = encode(value, most=left)
                left -= len(data)
                outcome = {"returned": data.decode()}
            except MemoryError:
                raise
            except DataError as error:
                message = {"verdict": "output", "detail": f"what {name} returns: {error}"}
                break
            except BaseException as error:
                outcome = {"raised": kind_of(error), "message": words_of(error)}
            if getpid() != pid:
                return 1
            tell(outcome)
    except BaseException as error:
        relieve()
        message = _describe(error, None)
    if getpid() != pid:
        return 1
    _flush(flush)
    tell(message)
    return 0


# Standard input


def _stdin(job: dict[str, Any], tell: _Tell) -> int:
    """Run the program as the interpreter would, to the end of its threads, of what it left for the exit, and of its
    objects: some programs have their output written when one goes."""
    status: int = 0
    getpid, pid = os.getpid, os.getpid()
    message: dict[str, str] = {"verdict": "passed"}
    relieve = _reliever()
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
        relieve()
        message = _describe(error, None)
        _print_traceback(error, path)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _flush((sys.stdout.flush, sys.__stdout__.flush, sys.__stderr__.flush))  # type: ignore[union-attr]
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    _BUILTINS.update(_TRUE_BUILTINS)
    sys.modules.pop("__main__", None)
    collect()
    _flush((sys.__stdout__.flush, sys.__stderr__.flush))  # type: ignore[union-attr]
    if getpid() == pid:
        tell(message)
    return status & 0xFF


def _print_traceback(error: BaseException, path: str) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    try:
        traceback.print_exception(type(error), error, trace, file=sys.stderr)
    except Exception:  # its own methods may raise
        sys.stderr.write(f"{kind_of(error)}\n")
