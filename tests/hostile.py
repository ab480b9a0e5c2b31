"""Runs the hostile programs and prints, as JSON, how each ended: `python tests/hostile.py [NAME...]`.

Start it only inside a jail (`tests/jail.py`); it checks that first. Each program in `hostile_programs/` begins with
what it tries and what is expected:

    # verdict: error|timeout        accepted verdicts
    # limits: seconds=1 memory=1000000
    # task: stdin | calls | check   default: a check, which follows a line `# check:` at the end
    # calls: add [(1, 2), (3, 4)]
    # stdin: 'text'
    # stdout: 'what it has to print'
    # returns: [3, 7]               or the name of the exception that it raises
    # different: [3, 7]             what it must not return, not even something that claims to be equal
    # suspect: yes | if passed      its pass must be marked
    # imports: numpy
    # files: {'name': b'content'}
    # needs: proc                   skipped without this layer, module or kind of machine
    # confined: a reason            why the level confined does not stop it, or does not offer what it needs
    # fresh: yes                    runs in a sandbox of its own

None of them may print BREACH, which reports that something forbidden was possible.
"""

import argparse
import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lintseq.sandbox import CallFunction, FeedStdin, Job, JobResult, Limits, Returned, RunCheck
from lintseq.sandbox.pool import Sandbox

PROGRAMS = Path(__file__).parent / "hostile_programs"
CANARY = Path("/tmp/lintseq-canary")
SECRET = f"canary-in-memory:{12345}"
LOOPBACK_PORT = 47811
PATCHED = (
    "import sys; sys.path.insert(0, {source!r}); from lintseq.sandbox import confinement, kernel;"
    " PATCH; from lintseq.sandbox.server import main; main()"
)


@dataclass(frozen=True, slots=True)
class HostileProgram:
    name: str
    head: dict[str, str]
    job: Job

    @classmethod
    def read(cls, path: Path) -> "HostileProgram":
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        head = {}
        for line in text.split("\n"):
            if not line.startswith("# "):
                break
            name, separator, value = line[2:].partition(": ")
            if separator and name.isalpha():
                head[name] = value
        program, _, check = text.partition("# check:\n")
        limits = dict(pair.split("=") for pair in head.get("limits", "").split())
        numbers = {name: float(value) if name == "seconds" else int(value) for name, value in limits.items()}
        kind = head.get("task", "check")
        if kind == "stdin":
            task: RunCheck | CallFunction | FeedStdin = FeedStdin(eval(head.get("stdin", "''")))
        elif kind == "calls":
            function, _, arguments = head["calls"].partition(" ")
            task = CallFunction(function, tuple(ast.literal_eval(arguments)))
        else:
            task = RunCheck(check)
        files = ast.literal_eval(head.get("files", "{}"))
        imports: Any = head.get("imports", "bare")
        job = Job(program, task, Limits(**numbers), imports, tuple(files.items()))  # type: ignore[arg-type]
        return cls(path.stem, head, job)

    def missing(self, sandbox: Sandbox) -> str:
        """Return what this machine lacks for the program, if anything."""
        layers = {layer.name: layer.on for layer in sandbox.isolation.layers}
        for need in self.head.get("needs", "").split():
            if need in layers:
                available = layers[need]
            elif need == "x86_64":
                available = platform.machine() == need
            else:
                available = importlib.util.find_spec(need) is not None
            if not available:
                return need
        return ""

    def problems(self, result: JobResult) -> list[str]:
        """Return what is wrong with the result."""
        found = []
        if result.verdict not in self.head["verdict"].split("|"):
            found.append(f"ended as {result.verdict} ({result.detail}) and not {self.head['verdict']}")
            found.append(repr(result.stderr[-300:]))
        if b"BREACH" in result.stdout + result.stderr:
            found.append(f"breach: {result.stdout!r} {result.stderr[-500:]!r}")
        if "stdout" in self.head:
            expected = eval(self.head["stdout"]).encode(self.head.get("encoding", "utf-8"))
            if result.stdout != expected:
                found.append(f"printed {result.stdout[:300]!r} and not {expected[:300]!r}; {result.stderr[-300:]!r}")
        values = [outcome.value if isinstance(outcome, Returned) else outcome.type for outcome in result.outcomes]
        if "returns" in self.head:
            expected = ast.literal_eval(self.head["returns"])
            if repr(values) != repr(expected):
                found.append(f"returned {values!r} and not {expected!r}")
        if "different" in self.head:
            expected = ast.literal_eval(self.head["different"])
            if len(values) > len(expected) or any(map(is_equal, values, expected)):
                found.append(f"returned {repr(values)[:500]}, which passes for {expected!r}")
        marked = self.head.get("suspect")
        if marked and not result.suspect and (marked == "yes" or result.verdict == "passed"):
            found.append("its pass is not marked")
        return found


def is_equal(value: object, other: object) -> bool:
    try:
        return value == other
    except RecursionError:
        return False


def read_programs(names: list[str]) -> list[HostileProgram]:
    paths = sorted(PROGRAMS.glob("*.py"))
    return [HostileProgram.read(path) for path in paths if not names or path.stem in names]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--level", default="auto")
    parser.add_argument(
        "--patch", default="pass", help="Python code that fork servers run first, to pretend something"
    )
    options = parser.parse_args()
    if "rw" in root_options():
        sys.exit("this runs hostile programs, and the root is writable: start it with tests/jail.py")
    lay_canary()
    listener, abstract = listen()
    os.environ["LINTSEQ_CANARY"] = SECRET
    held = open(CANARY / "file", "rb")  # noqa: SIM115
    held.read()
    os.set_inheritable(held.fileno(), True)
    before = state()
    level, results = run_programs(read_programs(options.names), options)
    after = wait_for(before)
    changes = [f"{name}: {before[name]} became {after[name]}" for name in before if before[name] != after[name]]
    json.dump({"user": os.getuid(), "level": level, "changes": changes, "programs": results}, sys.stdout)
    listener.close()
    abstract.close()
    held.close()


def run_programs(programs: list[HostileProgram], options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the isolation, and the result of each program by name."""
    results: dict[str, Any] = {}
    launcher = PATCHED.replace("PATCH", options.patch)
    open_sandbox = partial(Sandbox, level=options.level, launcher=launcher)
    with open_sandbox(workers=1) as sandbox:
        level = sandbox.isolation.as_dict()
        for program in programs:
            if missing := program.missing(sandbox):
                results[program.name] = {"skipped": f"no {missing} here"}
        programs = [program for program in programs if program.name not in results]
        # What a program leaves to the next shows only if one worker runs both.
        run([program for program in programs if program.name.startswith(("leftover_", "network_"))], sandbox, results)
    for program in programs:
        if "fresh" in program.head:
            with open_sandbox(workers=1) as sandbox:
                run([program], sandbox, results)
    with open_sandbox(workers=options.workers) as sandbox:
        run([program for program in programs if program.name not in results], sandbox, results)
    return level, results


def run(programs: list[HostileProgram], sandbox: Sandbox, results: dict[str, Any]) -> None:
    for program, result in zip(programs, sandbox.run(program.job for program in programs), strict=True):
        kept = {name: getattr(result, name) for name in ("verdict", "detail", "seconds", "cpu_seconds")}
        problems = program.problems(result)
        results[program.name] = {"problems": problems, **kept}
        if "confined" in program.head and sandbox.isolation.name == "confined":
            results[program.name] |= {"problems": [], "known": problems, "reason": program.head["confined"]}


def root_options() -> list[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[4] == "/":
            return words[5].split(",")
    return ["rw"]


def lay_canary() -> None:
    """Create what tempts programs: a file and a folder. `listen` adds sockets."""
    CANARY.mkdir()
    (CANARY / "file").write_text("canary, to be read by nobody\n")
    (CANARY / "folder").mkdir()
    (CANARY / "folder" / "inner").write_text("canary")


def listen() -> tuple[socket.socket, socket.socket]:
    """Return sockets that no program may connect to; brings the loopback up if it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket, contextlib.suppress(OSError):
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1))
    listener = socket.create_server(("127.0.0.1", LOOPBACK_PORT))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0lintseq-canary")
    abstract.listen()
    path = socket.socket(socket.AF_UNIX)
    path.bind(str(CANARY / "socket"))
    path.listen()
    for address in ("\0lintseq-canary-datagrams", str(CANARY / "datagrams")):
        datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagrams.bind(address)
        datagrams.detach()
    threading.Thread(target=path.accept, daemon=True).start()
    return listener, abstract


def state() -> dict[str, Any]:
    """Return what must be the same before and after."""
    digest = hashlib.sha256()
    for path in sorted(CANARY.rglob("*")):
        digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        found = path.stat()
        attributes = os.listxattr(path) if path.is_file() else []
        digest.update(str((found.st_mode, found.st_mtime_ns, found.st_uid, attributes)).encode())
    return {
        "canary": digest.hexdigest(),
        "files": sorted(path.name for path in Path("/tmp").iterdir()),
        "shared memory files": sorted(os.listdir("/dev/shm")),
        "shared memory": Path("/proc/sysvipc/shm").read_text().count("\n"),
        "queues": Path("/proc/sysvipc/msg").read_text().count("\n"),
        "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
        # Only what is still open afterwards: listing takes a descriptor too.
        "descriptors": sorted(name for name in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{name}")),
        "mounts": Path("/proc/self/mountinfo").read_text().count("\n"),
        "environment": dict(os.environ) | {"LINTSEQ_CANARY": ""},
        "passwd": Path("/etc/passwd").stat().st_mtime,
    }


def wait_for(before: dict[str, Any]) -> dict[str, Any]:
    """Return the state as soon as it equals `before`, or what it is after 2 seconds."""
    deadline = time.monotonic() + 2
    while (after := state()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    return after


if __name__ == "__main__":
    main()
