"""ruff, as one language server for many states, so that no process is started for each.

Configuration files and `noqa` comments have no effect. The server ends with this process.
"""

import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
import weakref
from typing import Any

from lintseq.errors import ConfigError, ToolError
from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.syntax import PYTHON_VERSION, LineNumbers, syntax_errors

RULES = ("E9", "F7", "F63", "F5", "F821", "F822", "F823")
"""Syntax errors, undefined names and certain errors: the kinds that pyflakes reports too."""

_SETTINGS = {
    "configurationPreference": "editorOnly",
    "configuration": {"target-version": f"py{sys.version_info[0]}{sys.version_info[1]}"},
    "lint": {"enable": True, "select": list(RULES), "preview": False},
    "showSyntaxErrors": True,
    "logLevel": "error",
}
_DOCUMENT = "file:///lintseq/state.py"

# `noqa` and `ruff: ...` comments would silence findings, so the server reads something else of the same length.
# Names that contain the word are renamed consistently, and back again in messages.
_NOQA = re.compile(r"(?i)(?<=n)o(?=qa)")
_RUFF_COMMENT = re.compile(r"(?i)(?<=#)([ \t]*)ruff(?=[ \t]*:)")
_RENAMED = re.compile(r"(?i)(?<=n)0(?=qa)")

_HEAD = re.compile(rb"(?i)(?:[^\r]*\r\n)*?content-length: *(\d+)\r\n(?:[^\r]+\r\n)*\r\n")


class RuffLinter:
    """The rules in `RULES`. If the server dies, it is restarted once for the same state."""

    def __init__(self, *, timeout: float = 60.0) -> None:
        self._program = find_ruff()
        self._timeout = timeout
        self._server: _Server | None = None

    @property
    def version(self) -> str:
        command = [self._program, "--version"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=self._timeout)
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolError(f"cannot run {shlex.join(command)}: {error}") from None
        return f"{done.stdout.strip()} / {PYTHON_VERSION}"

    def check(self, source: str) -> list[Diagnostic]:
        if errors := syntax_errors(source, "invalid-syntax"):
            return errors
        text = _RUFF_COMMENT.sub(r"\1r_ff", _NOQA.sub("0", source))
        try:
            items = self._diagnostics(text)
        except (OSError, EOFError) as first:
            try:
                items = self._diagnostics(text)
            except (OSError, EOFError) as second:
                raise ToolError(f"the ruff server died twice on the same state: {first}; {second}") from None
        number = LineNumbers(source)
        found = [_diagnostic(item, number, renamed=text != source) for item in items]
        return sorted(found, key=lambda diagnostic: diagnostic.line)

    def close(self) -> None:
        """End the server; the next check starts another."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _diagnostics(self, text: str) -> list[dict[str, Any]]:
        """Return what this process's server finds; a forked worker must not share its parent's."""
        if self._server is None or self._server.owner != os.getpid():
            self._server = _Server(self._program, self._timeout)
        try:
            return self._server.diagnostics(text)
        except BaseException:  # the answer may still be in the pipe, where the next request would find it
            self.close()
            raise


def find_ruff() -> str:
    """Return the path of the ruff executable, preferably that of the installed package."""
    try:
        from ruff.__main__ import find_ruff_bin

        return os.fsdecode(find_ruff_bin())
    except (ImportError, FileNotFoundError):
        if path := shutil.which("ruff"):
            return path
    raise ConfigError("the ruff linter needs ruff: pip install 'lintseq[linters]'")


def _diagnostic(item: dict[str, Any], number: LineNumbers, *, renamed: bool) -> Diagnostic:
    message = item["message"].partition("\n")[0]  # the rest is advice
    if renamed:
        message = _RENAMED.sub(lambda match: "O" if message[match.start() - 1] == "N" else "o", message)
    return Diagnostic(item.get("code") or "invalid-syntax", message, number(item["range"]["start"]["line"] + 1))


class _Server:
    """A `ruff server` process, spoken to in JSON-RPC over its standard streams."""

    def __init__(self, program: str, timeout: float) -> None:
        self.owner = os.getpid()
        self._timeout = timeout
        self._buffer = b""
        self._number = 0
        try:
            process = subprocess.Popen(
                [program, "server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=os.path.abspath(os.sep),
                bufsize=0,
            )
        except OSError as error:
            raise ToolError(f"cannot start the ruff server {program!r}: {error}") from None
        self._process = process
        self.close = weakref.finalize(self, _end, process, self.owner)
        capabilities = {"textDocument": {"diagnostic": {}}, "general": {"positionEncodings": ["utf-8"]}}
        options = {"settings": _SETTINGS, "globalSettings": _SETTINGS}
        parameters = {"processId": self.owner, "rootUri": None, "capabilities": capabilities}
        self._request("initialize", parameters | {"initializationOptions": options})
        self._send({"method": "initialized", "params": {}})
        document = {"uri": _DOCUMENT, "languageId": "python", "version": 0, "text": ""}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def diagnostics(self, text: str) -> list[dict[str, Any]]:
        """Return ruff's diagnostics for `text`."""
        document = {"uri": _DOCUMENT, "version": self._number + 1}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        self._send({"method": "textDocument/didChange", "params": change})
        answer = self._request("textDocument/diagnostic", {"textDocument": {"uri": _DOCUMENT}})
        return list(answer["items"])

    def _request(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._receive(deadline)
            if "method" in message and "id" in message:  # a request of the server, which gets no answer
                self._send({"id": message["id"], "result": None})
            elif message.get("id") == self._number:
                if "error" in message:
                    raise ToolError(f"the ruff server refused {method}: {message['error']}")
                return dict(message["result"])

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        data = memoryview(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        while data:
            data = data[self._process.stdin.write(data) :]

    def _receive(self, deadline: float) -> dict[str, Any]:
        """Return the server's next message. Raises `EOFError` if it has ended, `ToolError` at the deadline."""
        while not (head := _HEAD.match(self._buffer)):
            self._read(deadline)
        end = head.end() + int(head[1])
        while len(self._buffer) < end:
            self._read(deadline)
        message: dict[str, Any] = json.loads(self._buffer[head.end() : end])
        self._buffer = self._buffer[end:]
        return message

    def _read(self, deadline: float) -> None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ToolError(f"the ruff server gave no answer within {self._timeout:g} s")
        data = self._process.stdout.read(1 << 16)
        if not data:
            raise EOFError(f"the ruff server ended with status {self._process.poll()}")
        self._buffer += data


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Close the pipes and, in the process that started it, end the server and wait for it."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if os.getpid() == owner:
        process.kill()
        process.wait()
    else:
        process.returncode = 0  # not our child: nothing to wait for
