"""Any external program as a linter: a regular expression parses its output for a state."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile

from lintseq.errors import ConfigError, ToolError
from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.syntax import PYTHON_VERSION

ARROW = " => "
PATTERN = r"^[^:\n]*:(?P<line>\d+)(?::\d+)?:?[ \t]*(?:(?P<code>[A-Z]+\d+)\b:?)?[ \t]*(?P<message>.*)$"
TIMEOUT = 60.0


class CommandLinter:
    """`PROGRAM ARGUMENTS` or `PROGRAM ARGUMENTS => PATTERN`, run once per state.

    `{file}` in an argument becomes the path of a file that holds the state; without it, the state is the standard
    input. `PATTERN` is searched with `re.MULTILINE` in the output; it has a group `line` and may have groups `code`
    and `message`.
    """

    def __init__(self, command: str, *, suffix: str = ".py", timeout: float = TIMEOUT) -> None:
        self.version = f"command:{command} / {PYTHON_VERSION}"
        command, _, pattern = command.partition(ARROW)
        self._suffix = suffix
        self._timeout = timeout
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"cannot split the linter command {command!r} into words: {error}") from None
        if not self._words:
            raise ConfigError("the linter command is empty; write 'command:PROGRAM {file}'")
        if not shutil.which(self._words[0]):
            raise ConfigError(f"cannot find the linter program {self._words[0]!r}; give its path or install it")
        try:
            self._pattern = re.compile(pattern.strip() or PATTERN, re.M)
        except re.error as error:
            raise ConfigError(f"the linter command's pattern {pattern!r} is no regular expression: {error}") from None
        if "line" not in self._pattern.groupindex:
            raise ConfigError(f"the linter command's pattern {pattern!r} has no group (?P<line>...)")

    def check(self, source: str) -> list[Diagnostic]:
        status, output = self._run(source.encode("utf-8", "surrogatepass"))
        name = self._words[0]
        if status < 0:
            raise ToolError(f"the linter program {name!r} was killed by signal {-status}: {output[-500:]}")
        last = max(1, source.count("\n") + (not source.endswith("\n")))
        found = [self._diagnostic(match, last) for match in self._pattern.finditer(output)]
        if status and not found:
            raise ToolError(
                f"the linter program {name!r} exited with status {status} and printed nothing that the pattern"
                f" {self._pattern.pattern!r} matches: {output[-500:] or '(no output)'}"
            )
        return found

    def _diagnostic(self, match: re.Match[str], last: int) -> Diagnostic:
        groups = match.groupdict()
        try:
            line = int(groups["line"])
        except ValueError:
            raise ToolError(f"the linter command's pattern took {groups['line']!r} for a line number") from None
        message = groups.get("message") or ("" if "message" in groups else match[0])
        return Diagnostic(groups.get("code") or "", message.strip(), max(1, min(line, last)))

    def _run(self, state: bytes) -> tuple[int, str]:
        """Return the exit status and the output of the program, with the path of the file as `{file}`."""
        if not any("{file}" in word for word in self._words):
            return self._start(self._words, state)
        with tempfile.TemporaryDirectory(prefix="lintseq-") as folder:
            path = os.path.join(folder, f"state{self._suffix}")
            with open(path, "wb") as file:
                file.write(state)
            status, output = self._start([word.replace("{file}", path) for word in self._words], b"")
            return status, output.replace(path, "{file}")

    def _start(self, words: list[str], state: bytes) -> tuple[int, str]:
        try:
            done = subprocess.run(
                words,
                input=state,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"the linter program {words[0]!r} did not finish within {self._timeout:g} s") from None
        except OSError as error:
            raise ToolError(f"cannot start the linter program {words[0]!r}: {error}") from None
        return done.returncode, done.stdout.decode("utf-8", "replace")
