"""Runs the hostile corpus and prints, as JSON, what was not as it should be: `python tests/evil.py [NAME...]`.

To be started inside a jail (`tests/jail.py`) and nowhere else; it looks first. Each program in `evil_programs/` opens
with what it tries and with what is expected:

    # verdict: error|timeout        how it may end
    # limits: seconds=1 memory=1000000
    # task: stdin | calls | check   without one, a check, which stands at the end behind a line `# check:`
    # calls: add [(1, 2), (3, 4)]
    # stdin: 'text'
    # stdout: 'what it has to print'
    # returns: [3, 7]               or, for what it raises, the name
    # different: [3, 7]             what it must not return, were it only equal in its own eyes
    # suspect: yes | if passed      its pass has to be marked
    # imports: numpy
    # files: {'name': b'content'}
    # needs: proc                   skipped without this layer, module or kind of machine
    # fresh: yes                    in a sandbox of its own

None of them may print BREACH, which says that something could be done that must not be.
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
from pathlib import Path
from typing import Any

from lintseq.sandbox import CallFunction, FeedStdin, Job, JobResult, Limits, Returned, RunCheck, Sandbox

PROGRAMS = Path(__file__).parent / "evil_programs"
CANARY = Path("/tmp/lintseq-canary")
SECRET = f"canary-in-memory:{12345}"
LOOPBACK_PORT = 47811


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    head: dict[str, str]
    job: Job

    @classmethod
    def read(cls, path: Path) -> "Case":
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
                there = layers[need]
            else:
                there = need == platform.machine() or (need != "x86_64" and importlib.util.find_spec(need) is not None)
            if not there:
                return need
        return ""

    def problems(self, ending: JobResult) -> list[str]:
        """Return what is wrong with how the program ended."""
        found = []
        if ending.verdict not in self.head["verdict"].split("|"):
            found.append(f"ended as {ending.verdict} ({ending.detail}) and not {self.head['verdict']}")
            found.append(repr(ending.stderr[-300:]))
        if b"BREACH" in ending.stdout + ending.stderr:
            found.append(f"breach: {ending.stdout!r} {ending.stderr[-500:]!r}")
        if "stdout" in self.head:
            expected = eval(self.head["stdout"]).encode(self.head.get("encoding", "utf-8"))
            if ending.stdout != expected:
                found.append(f"printed {ending.stdout[:300]!r} and not {expected[:300]!r}; {ending.stderr[-300:]!r}")
        values = [one.value if isinstance(one, Returned) else one.type for one in ending.outcomes]
        if "returns" in self.head:
            expected = ast.literal_eval(self.head["returns"])
            if repr(values) != repr(expected):
                found.append(f"returned {values!r} and not {expected!r}")
        if "different" in self.head:
            expected = ast.literal_eval(self.head["different"])
            if len(values) > len(expected) or any(map(same, values, expected)):
                found.append(f"returned {repr(values)[:500]}, which is taken for {expected!r}")
        marked = self.head.get("suspect")
        if marked and not ending.suspect and (marked == "yes" or ending.verdict == "passed"):
            found.append("its pass is not marked")
        return found


def same(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:
        return False


def cases(names: list[str]) -> list[Case]:
    return [Case.read(path) for path in sorted(PROGRAMS.glob("*.py")) if not names or path.stem in names]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    if "rw" in root_options():
        sys.exit("this runs hostile programs, and the root can be written: start it by tests/jail.py")
    lay_canary()
    listener, abstract = listen()
    os.environ["LINTSEQ_CANARY"] = SECRET
    held = open(CANARY / "file", "rb")  # noqa: SIM115
    held.read()
    os.set_inheritable(held.fileno(), True)
    before = state()
    found: dict[str, Any] = {}
    todo = cases(options.names)
    with Sandbox(workers=1) as sandbox:
        level = sandbox.isolation.as_dict()
        for case in todo:
            if missing := case.missing(sandbox):
                found[case.name] = {"skipped": f"no {missing} here"}
        todo = [case for case in todo if case.name not in found]
        # What one program leaves to the next is seen where they follow each other.
        pairs = [case for case in todo if case.name.startswith(("leftover_", "network_"))]
        run(pairs, sandbox, found)
    alone = [case for case in todo if "fresh" in case.head]
    for case in alone:
        with Sandbox(workers=1) as sandbox:
            run([case], sandbox, found)
    with Sandbox(workers=options.workers) as sandbox:
        run([case for case in todo if case.name not in found], sandbox, found)
    time.sleep(0.2)
    after = state()
    changes = [f"{name}: {before[name]} became {after[name]}" for name in before if before[name] != after[name]]
    json.dump({"user": os.getuid(), "level": level, "changes": changes, "programs": found}, sys.stdout)
    listener.close()
    abstract.close()
    held.close()


def run(chosen: list[Case], sandbox: Sandbox, found: dict[str, Any]) -> None:
    for case, ending in zip(chosen, sandbox.run(case.job for case in chosen), strict=True):
        found[case.name] = result(case, ending)


def result(case: Case, ending: JobResult) -> dict[str, Any]:
    kept = {name: getattr(ending, name) for name in ("verdict", "detail", "seconds", "cpu_seconds")}
    return {"problems": case.problems(ending), **kept}


def root_options() -> list[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[4] == "/":
            return words[5].split(",")
    return ["rw"]


def lay_canary() -> None:
    """Lay out what programs are tempted by: a file, a folder, sockets."""
    CANARY.mkdir()
    (CANARY / "file").write_text("canary, to be read by nobody\n")
    (CANARY / "folder").mkdir()
    (CANARY / "folder" / "inner").write_text("canary")


def listen() -> tuple[socket.socket, socket.socket]:
    """Return sockets that nobody must be able to connect to; the loopback is switched on if it is off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket, contextlib.suppress(OSError):
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1))
    listener = socket.create_server(("127.0.0.1", LOOPBACK_PORT))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0lintseq-canary")
    abstract.listen()
    path = socket.socket(socket.AF_UNIX)
    path.bind(str(CANARY / "socket"))
    path.listen()
    threading.Thread(target=path.accept, daemon=True).start()
    return listener, abstract


def state() -> dict[str, Any]:
    """Return what must be the same before and after."""
    digest = hashlib.sha256()
    for path in sorted(CANARY.rglob("*")):
        digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        digest.update(str(path.stat().st_mode).encode())
    return {
        "canary": digest.hexdigest(),
        "files": sorted(path.name for path in Path("/tmp").iterdir()),
        "shared memory files": sorted(os.listdir("/dev/shm")),
        "shared memory": Path("/proc/sysvipc/shm").read_text().count("\n"),
        "queues": Path("/proc/sysvipc/msg").read_text().count("\n"),
        "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
        # What is still there a moment later: listing takes a descriptor too.
        "descriptors": sorted(name for name in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{name}")),
        "mounts": Path("/proc/self/mountinfo").read_text().count("\n"),
        "environment": dict(os.environ) | {"LINTSEQ_CANARY": ""},
        "passwd": Path("/etc/passwd").stat().st_mtime,
    }


if __name__ == "__main__":
    main()
