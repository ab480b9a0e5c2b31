"""The sandbox's promises: verdicts, limits, plain data, and nothing left behind or changed.

Hostile programs are in `hostile_programs/`; `hostile.py` runs them inside the jail of `jail.py`. The programs in this
file are harmless by themselves.
"""

import contextlib
import errno
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import venv
from collections import Counter, OrderedDict, namedtuple
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, strategies as st

from lintseq.cli import main
from lintseq.errors import ConfigError, PlainDataError, ToolError
from lintseq.sandbox import (
    CallFunction,
    FeedStdin,
    Job,
    JobResult,
    Limits,
    OpaqueValue,
    Raised,
    Returned,
    RunCheck,
    Verdict,
    pool,
    scratch,
    seccomp,
)
from lintseq.sandbox.client import server_environment
from lintseq.sandbox.data import decode, encode
from lintseq.sandbox.isolation import LACKS, LAYERS, Level
from lintseq.sandbox.pool import Sandbox
from lintseq.sandbox.status import KNOWN_PROGRAMS, SandboxStatus, environment_job, run_known_programs, sandbox_status
from lintseq.sandbox.tampering import signs_of_tampering
from lintseq.storage import default_workers

HERE = Path(__file__).parent
ADD = "def add(a, b):\n    return a + b\n"
CHECK = RunCheck("assert add(2, 3) == 5")
GOOD = Job(ADD, CHECK)


def can_isolate() -> str:
    try:
        with Sandbox(workers=1):
            return ""
    except ConfigError as error:
        return str(error)


NO_ISOLATION = can_isolate()
isolated = pytest.mark.skipif(bool(NO_ISOLATION), reason=NO_ISOLATION)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(workers=1) as opened:
        yield opened


def run(sandbox: Sandbox, program: str, task: Any = None, **limits: Any) -> JobResult:
    (result,) = sandbox.run([Job(program, FeedStdin() if task is None else task, Limits(**limits))])
    return result


# Hostile programs

USER = ["--user", "12345"] if os.geteuid() == 0 else []
JAILS = {
    "as started": [],
    "as an unprivileged user": USER,
    "without its own /proc": ["--masked-proc"],
    "confined": ["--like-docker"],
    "confined as an unprivileged user": ["--like-docker", *USER],
}
HOSTILE = sorted(path.stem for path in (HERE / "hostile_programs").glob("*.py"))
CATEGORIES = {name.partition("_")[0] for name in HOSTILE}
SAMPLE = [name for category in CATEGORIES for name in [n for n in HOSTILE if n.startswith(f"{category}_")][::7]]
PAIR = ["leftover_processes_1", "leftover_processes_2", "network_good_loopback", "network_good_loopback_again"]


def run_hostile(options: list[str], names: list[str], *, patch: str = "pass") -> None:
    command = [
        sys.executable,
        HERE / "jail.py",
        *options,
        sys.executable,
        HERE / "hostile.py",
        "--patch",
        patch,
        *names,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(f"hostile programs run only in a jail; {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert len(report["programs"]) == len(set(names) or HOSTILE)
    assert not {name: result["problems"] for name, result in report["programs"].items() if result.get("problems")}
    assert not report["changes"]
    assert report["level"]["level"] == ("confined" if "--like-docker" in options else "isolated")
    assert report["level"]["layers"]["proc"] == ("--masked-proc" not in options)


@pytest.mark.parametrize("options", JAILS.values(), ids=JAILS)
def test_hostile_programs_of_every_category_get_their_verdicts_and_change_nothing(options):
    assert len(CATEGORIES) == 11
    run_hostile(options, [*SAMPLE, *PAIR])


@pytest.mark.parametrize("version", [1, 2, 3, 5])
def test_what_an_old_landlock_does_not_restrict_is_restricted_otherwise(version):
    names = [n for n in HOSTILE if n.startswith(("process_", "file_"))][version - 1 :: 5]
    attacks = ["process_signals_others", "process_signals_by_descriptor", "file_truncates", "file_moves"]
    patch = f"kernel.landlock_version = lambda: {version}"
    run_hostile(["--like-docker", *USER], [*names, *attacks], patch=patch)


def test_programs_that_keep_the_id_of_root_have_none_of_its_rights():
    if os.geteuid():
        pytest.skip("only root can keep its id")
    names = [n for n in HOSTILE if n.startswith(("file_", "environment_", "process_"))][::3]
    names.append("file_good_access")
    run_hostile(["--like-docker"], names, patch="confinement._can_read_python = lambda uid: False")


def test_a_setting_that_forbids_user_namespaces_leads_to_the_level_confined():
    if os.geteuid():
        pytest.skip("only root can change the setting")
    command = [sys.executable, HERE / "jail.py", "--no-user-namespaces", "--user", "12345"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "lintseq", "sandbox", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    report = json.loads(done.stdout)
    assert report["level"] == "confined"
    assert "isolated is not available: new user namespace" in report["reason"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", JAILS.values(), ids=JAILS)
def test_all_hostile_programs_get_their_verdicts_and_change_nothing(options):
    assert len(HOSTILE) >= 100
    run_hostile(options, [])


def test_the_runner_of_hostile_programs_refuses_to_run_outside_the_jail():
    if os.access("/", os.W_OK):
        command = [sys.executable, HERE / "hostile.py", "no_such_program"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "jail" in done.stderr
        assert not done.stdout


def test_nothing_outside_the_jail_is_writable():
    code = (
        "import json, os\nfound = []\n"
        f"for path in ('/', '/etc', '/usr', '/home', {str(HERE)!r}, {sys.prefix!r}):\n"
        "    try:\n        open(path + '/lintseq-was-here', 'w')\n        found.append(path)\n"
        "    except OSError:\n        pass\n"
        "print(json.dumps([found, os.listdir('/dev'), os.listdir('/dev/shm'), os.listdir('/run')]))"
    )
    command = [sys.executable, HERE / "jail.py", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    written, devices, shared, running = json.loads(done.stdout)
    assert not written
    assert set(devices) == {"null", "zero", "full", "random", "urandom", "fd", "shm", "stdin", "stdout", "stderr"}
    assert not shared
    assert not running


# Verdicts


@isolated
@pytest.mark.parametrize("expected", KNOWN_PROGRAMS)
def test_known_programs_get_their_verdicts(sandbox, expected):
    (result,) = sandbox.run([KNOWN_PROGRAMS[expected]])
    assert result.verdict == expected


@isolated
@pytest.mark.parametrize(
    ("program", "check", "verdict", "error", "detail"),
    [
        (ADD, "assert add(2, 3) == 6", "failed", "AssertionError", "assert add(2, 3) == 6"),
        (ADD, "assert add(1, 1) == 3, 'no'", "failed", "AssertionError", "assert add(1, 1) == 3, 'no' (no)"),
        (ADD, "def check(f):\n    assert f(1, 1) == 3\ncheck(add)", "failed", "AssertionError", "assert f(1, 1) == 3"),
        (ADD, "raise AssertionError('f: ' + 'no')", "failed", "AssertionError", "f: no"),
        (
            ADD,
            "raise LookupError('\x1b[31mred\x1b[0m one')",
            "error",
            "LookupError",
            "LookupError: red one (line 1 of",
        ),
        (ADD, "add(1)", "error", "TypeError", "TypeError: add() missing 1 required positional argument: 'b' (line 1"),
        ("x = 1 / 0", "pass", "error", "ZeroDivisionError", "ZeroDivisionError: division by zero (line 1)"),
        ("def f(:", "pass", "error", "SyntaxError", "SyntaxError: invalid syntax"),
        ("x = '\ud800'", "pass", "error", "UnicodeEncodeError", "UnicodeEncodeError: "),
        ("assert False", "pass", "error", "AssertionError", "AssertionError (line 1)"),
        ("raise SystemExit(0)", "pass", "error", "SystemExit", "left early: SystemExit(0) (line 1)"),
        ("import os\nos._exit(0)", "pass", "error", "", "left early, with status 0"),
        ("import os\nos.abort()", "pass", "error", "", "ended by SIGABRT"),
        ("", "pass", "passed", "", ""),
        ("x = 1", "assert x == 1", "passed", "", ""),
        (f"x = [\n{'    1234567,' * 40_000}\n]", "assert len(x) == 40_000", "passed", "", ""),
        ("x = 1\r\nif x:\r\n    y = '''a\r\nb'''\r\n", "assert y == 'a\\nb'", "passed", "", ""),
        ("\ufeffx = 1", "pass", "error", "SyntaxError", "SyntaxError: "),
    ],
)
def test_a_check_gives_a_verdict_with_its_reason(sandbox, program, check, verdict, error, detail):
    result = run(sandbox, program, RunCheck(check))
    assert (result.verdict, result.error) == (verdict, error)
    assert result.detail.startswith(detail)


@isolated
def test_long_assertions_are_shortened(sandbox):
    result = run(sandbox, ADD, RunCheck(f"assert add(1, 1) == '{'x' * 5000}'"))
    assert result.verdict == "failed"
    assert result.detail.endswith(" ...")
    assert len(result.detail) <= 500


@isolated
def test_a_program_that_reads_and_prints_passes_whatever_it_prints(sandbox):
    result = run(sandbox, "print(input()[::-1])", FeedStdin("abc\n"))
    assert (result.verdict, result.stdout, result.stderr) == ("passed", b"cba\n", b"")
    result = run(sandbox, "print('half')\n1 / 0", FeedStdin())
    assert (result.verdict, result.stdout, result.error) == ("error", b"half\n", "ZeroDivisionError")
    assert result.stderr.decode() == (
        'Traceback (most recent call last):\n  File "/tmp/program.py", line 2, in <module>\n    1 / 0\n    ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


@isolated
def test_calls_return_values_and_exceptions(sandbox):
    program = "def f(x):\n    if x > 2:\n        raise KeyError('big')\n    return [x, (x,)]"
    result = run(sandbox, program, CallFunction("f", ((1,), (3,), (2,))))
    assert result.verdict == "passed"
    assert result.outcomes == (Returned([1, (1,)]), Raised("KeyError", "'big'"), Returned([2, (2,)]))


@isolated
def test_calling_a_missing_function_is_an_error(sandbox):
    result = run(sandbox, "x = 1", CallFunction("f", ((1,),)))
    assert (result.verdict, result.error, result.outcomes) == ("error", "NameError", ())


@isolated
def test_a_pass_that_may_be_forged_is_marked(sandbox):
    program = "class All:\n    def __eq__(self, other):\n        return True\n\n\ndef add(a, b):\n    return All()\n"
    result = run(sandbox, program, CHECK)
    assert (result.verdict, result.suspect) == ("passed", ("defines __eq__ in class All",))
    assert run(sandbox, ADD, CHECK).suspect == ()


# Limits


@isolated
@pytest.mark.skipif(
    Path(sys.prefix).is_relative_to("/tmp"), reason="this Python is in /tmp, which programs do not see"
)
def test_the_cpu_time_of_children_counts(sandbox):
    program = (
        "import subprocess, sys\nspin = 'import time\\nwhile time.process_time() < 0.3: pass'\n"
        "subprocess.run([sys.executable, '-c', spin])"
    )
    result = run(sandbox, program, FeedStdin())
    assert result.verdict == "passed"
    assert 0.3 <= result.cpu_seconds < 3
    assert result.seconds >= 0.3


@isolated
def test_waiting_for_a_busy_cpu_does_not_count(sandbox):
    spin = "import time\nend = time.time() + 30\nwhile time.time() < end: pass"
    busy = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(8 * default_workers())]
    try:
        program = "import time\nwhile time.process_time() < 0.4: pass\nprint('done')"
        result = run(sandbox, program, FeedStdin(), seconds=0.8)
        assert (result.verdict, result.stdout) == ("passed", b"done\n"), result
    finally:
        for process in busy:
            process.kill()
            process.wait()


@isolated
def test_memory_counts_beyond_that_of_the_imports(sandbox):
    program = "x = bytearray(90 << 20)\nprint(len(x))"
    for kind in ("bare", "numpy", "full"):
        job = Job(program, FeedStdin(), Limits(memory=100 << 20), kind)
        (result,) = sandbox.run([job])
        assert result.verdict == "passed", (kind, result)
    assert run(sandbox, program, memory=80 << 20).verdict == "memory"


@isolated
def test_judged_output_is_capped(sandbox):
    program = "for _ in range({}): print('x' * 999)"
    result = run(sandbox, program.format(100), output=100_000)
    assert (result.verdict, len(result.stdout)) == ("passed", 100_000)
    result = run(sandbox, program.format(101), output=100_000)
    assert (result.verdict, len(result.stdout)) == ("output", 100_000)


@isolated
@pytest.mark.parametrize(
    ("task", "stream"),
    [
        (FeedStdin(), "stderr"),
        (CHECK, "stdout"),
        (CHECK, "stderr"),
        (CallFunction("add", ((2, 3),)), "stdout"),
        (CallFunction("add", ((2, 3),)), "stderr"),
    ],
)
@pytest.mark.parametrize("size", [100_000, 1_000_000, 30_000_000])
def test_output_that_nobody_judges_fails_no_program(sandbox, task, stream, size):
    program = f"import sys\nprint('first', file=sys.{stream})\nsys.{stream}.write('x' * {size})\n"
    program += f"print('last', file=sys.{stream})\n{ADD}"
    result = run(sandbox, program, task, output=200_000)
    assert (result.verdict, result.suspect) == ("passed", ())
    text = getattr(result, stream)
    assert text.startswith(b"first\nxxx")
    assert text.endswith(b"xxxlast\n")
    assert len(text) < 132_000


@isolated
def test_the_output_of_a_check_keeps_its_beginning_and_end(sandbox):
    result = run(sandbox, "print('first')\nprint('x' * 500_000)\nprint('last')", RunCheck("pass"))
    assert result.stdout.startswith(b"first\nxxx")
    assert result.stdout.endswith(b"xxx\nlast\n")
    assert len(result.stdout) < 132_000


@isolated
def test_scratch_files_are_in_the_folder_and_nowhere_else(sandbox):
    job = Job("print(open('a/b.txt').read())", FeedStdin(), scratch=(("a/b.txt", b"text"),))
    (result,) = sandbox.run([job])
    assert result.stdout == b"text\n"
    for name in ("/etc/x", "../x", "a/../../x", ""):
        with pytest.raises(ConfigError, match="is outside its folder"):
            list(sandbox.run([Job("", FeedStdin(), scratch=((name, b""),))]))


# What a program sees


@isolated
def test_programs_see_nothing_of_the_parent(sandbox, monkeypatch):
    monkeypatch.setenv("SECRET", "secret")
    with open(__file__, "rb") as held:
        os.set_inheritable(held.fileno(), True)
        program = (
            "import json, os\n"
            "links = {n: os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if int(n) < 3}\n"
            "print(json.dumps([dict(os.environ), links, len(os.listdir('/proc/self/fd')), os.getuid(),"
            " sorted(os.listdir('/')), os.listdir('/dev')]))"
        )
        with Sandbox(workers=1) as fresh:
            result = run(fresh, program)
    environment, links, count, uid, root, devices = json.loads(result.stdout)
    assert set(environment) == {*server_environment(), "TMPDIR"}
    assert links["0"].startswith("/memfd:") or links["0"] == "/dev/null"
    assert links["1"].startswith("pipe:")
    assert count <= 5  # three streams, the channel, and the listing itself
    assert uid not in (0, os.geteuid() or 0) or os.geteuid() == 1000
    assert not {"home", "srv", "mnt", "media", "sys"} & set(root)
    assert set(devices) == {
        *("null", "zero", "full", "random", "urandom"),
        *("fd", "stdin", "stdout", "stderr", "shm"),
    }


@isolated
@pytest.mark.parametrize("kind", ["bare", "numpy", "full"])
def test_programs_are_forked_from_a_process_with_one_thread(sandbox, kind):
    program = "print([line for line in open('/proc/self/status') if line.startswith('Threads')])"
    (result,) = sandbox.run([Job(program, FeedStdin(), imports=kind)])
    assert result.stdout == b"['Threads:\\t1\\n']\n"


@isolated
def test_imports_are_loaded_before_a_program_starts(sandbox):
    pytest.importorskip("numpy")
    program = "import sys\nprint('numpy' in sys.modules)"
    jobs = [Job(program, FeedStdin(), imports=kind) for kind in ("bare", "numpy", "bare")]
    assert [result.stdout for result in sandbox.run(jobs)] == [b"False\n", b"True\n", b"False\n"]


@isolated
def test_randomness_is_the_same_every_time(sandbox):
    program = "import random\nprint(random.random(), hash('text'), list({'a', 'b', 'c', 'd'}))"
    with Sandbox(workers=1) as another:
        assert run(sandbox, program).stdout == run(sandbox, program).stdout == run(another, program).stdout


# One call


def test_one_call_runs_a_program_from_many_threads_without_forking_this_process():
    code = (
        "import os, sys\nfrom concurrent.futures import ThreadPoolExecutor\nimport lintseq.sandbox\n"
        "from lintseq.sandbox import Limits, run\nassert 'Sandbox' not in vars(lintseq.sandbox)\nforks = []\n"
        "os.register_at_fork(before=lambda: forks.append(1))\n"
        "with ThreadPoolExecutor(4) as threads:\n"
        "    results = threads.map(lambda n: run(f'print({n})', limits=Limits(seconds=5)).stdout, range(12))\n"
        "    assert [int(text) for text in results] == list(range(12))\n"
        "assert run('def f(): return 1', check='assert f() == 2').verdict == 'failed'\n"
        "assert run('print(1)', level='unsafe').stdout == b'1\\n'\nassert not forks\n"
        "child = os.fork()\nif child == 0:\n    print(run('print(3)').stdout, flush=True)\n    sys.exit()\n"
        "os.waitpid(child, 0)\nprint(run('print(4)').stdout)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("b'3\\n'\nb'4\\n'\n", "")


def test_a_forked_process_leaves_the_servers_to_its_parent(confined):
    child = os.fork()
    if child == 0:
        try:
            next(confined.run([GOOD]))
        except ToolError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert run(confined, ADD, CHECK).verdict == "passed"


# Many jobs, and accidents


def some_jobs() -> list[Job]:
    calls = Job(ADD, CallFunction("add", ((1, 2), ("a", "b"))))
    quick = [job for verdict, job in KNOWN_PROGRAMS.items() if verdict != "timeout"]
    jobs = [*quick, Job("print(input())", FeedStdin("x")), calls] * 4
    return [KNOWN_PROGRAMS["timeout"], *jobs] + [
        Job(f"def add(a, b): return a + b + {n % 2}", CHECK) for n in range(20)
    ]


def essence(results: list[JobResult]) -> list[Any]:
    return [(result.verdict, result.detail, result.outcomes, result.stdout, result.error) for result in results]


@isolated
def test_results_do_not_depend_on_the_number_of_workers(sandbox):
    jobs = some_jobs()
    with Sandbox(workers=3) as three:
        assert essence(list(three.run(jobs))) == essence(list(sandbox.run(jobs)))


@isolated
def test_several_threads_may_share_a_sandbox():
    with Sandbox(workers=2) as shared, ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: [result.verdict for result in shared.run([GOOD] * n)], range(1, 9)))
    assert found == [["passed"] * n for n in range(1, 9)]


@isolated
def test_jobs_are_taken_as_needed(sandbox):
    taken = []

    def endless():
        n = 0
        while True:
            taken.append(n)
            yield GOOD
            n += 1

    results = sandbox.run(endless())
    assert next(results).verdict == "passed"
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 2 * pool.AHEAD
    assert run(sandbox, ADD, CHECK).verdict == "passed"


def newest_server() -> int:
    """Return the process of the fork server that was started last: not the largest id, since ids wrap around."""
    children = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if parent_of(path) == os.getpid()]
    servers = [pid for pid in children if b"lintseq.sandbox.server" in command_line(pid)]
    return max(servers, key=started_at)


def started_at(pid: int) -> int:
    """Return when a process started, in clock ticks since boot (field 22 of proc(5)'s stat)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # the process has ended
        return -1


@isolated
def test_a_server_that_is_killed_is_replaced():
    with Sandbox(workers=1) as fresh:
        assert run(fresh, ADD, CHECK).verdict == "passed"
        os.kill(newest_server(), signal.SIGKILL)
        assert run(fresh, ADD, CHECK).verdict == "passed"
        threading.Timer(0.2, lambda: os.kill(newest_server(), signal.SIGKILL)).start()
        result = run(fresh, "import time\ntime.sleep(0.6)\nprint('done')")
        assert (result.verdict, result.stdout) == ("passed", b"done\n")


FAIL_ON_RESTART = """
import os, sys
sys.path.insert(0, {source!r})
try:
    os.close(os.open(%r, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    sys.exit('out of order')
from lintseq.sandbox.server import main; main()
"""


@isolated
def test_a_server_that_keeps_failing_is_a_sandbox_error(tmp_path):
    with Sandbox(workers=1, launcher=FAIL_ON_RESTART % str(tmp_path / "started")) as fresh:
        os.kill(newest_server(), signal.SIGKILL)
        result = run(fresh, ADD, CHECK)
    assert result.verdict == "sandbox-error"
    assert "out of order" in result.detail


@isolated
def test_limits_too_small_for_any_program_are_a_sandbox_error(sandbox):
    job = Job(ADD, CHECK, Limits(scratch=65_536), scratch=(("large", bytes(100_000)),))
    (result,) = sandbox.run([job])
    assert result.verdict == "sandbox-error"
    assert "could not be started: OSError" in result.detail


@pytest.mark.parametrize(
    "limits",
    [{"seconds": 0}, {"seconds": -1}, {"seconds": math.nan}, {"memory": 1000}, {"scratch": 10}, {"processes": 0}],
)
def test_limits_with_which_nothing_can_start_are_refused(limits):
    (name,) = limits
    with pytest.raises(ConfigError, match=f"no program can run with {name} limited to .*; the minimum is "):
        Limits(**limits)


def test_no_folder_that_can_be_written_is_a_clear_message():
    code = "scratch as s; s.places = lambda temporary: ['/proc', '/no/such/folder']"
    with pytest.raises(ConfigError, match=r"no temporary folder can be written .*: set TMPDIR to one that can"):
        Sandbox(workers=1, level="confined", launcher=BREAK % code).__enter__()


def descendants(pid: int) -> set[int]:
    parents = {int(path.parent.name): parent_of(path) for path in Path("/proc").glob("[0-9]*/stat")}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if command_line(pid)}


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has gone, at the latest while we were looking
        return b""


@isolated
@pytest.mark.parametrize("level", ["isolated", "confined", "unsafe"])
def test_nothing_is_left_when_the_sandbox_is_closed(level):
    def here() -> tuple[Any, ...]:
        mounts = Path("/proc/self/mountinfo").read_text().count("\n")
        return set(os.listdir("/proc/self/fd")), descendants(os.getpid()), mounts

    before = here()
    with Sandbox(workers=2, level=level) as fresh:
        program = "import subprocess\nsubprocess.Popen(['sleep', '60'])\nopen('left', 'w').write('x')"
        assert [result.verdict for result in fresh.run([Job(program, FeedStdin())] * 4)] == ["passed"] * 4
        started = descendants(os.getpid()) - before[1]
        assert started
        assert len(scratch_folders(started)) == (0 if level == "isolated" else 2)
    assert here() == before
    assert not scratch_folders(started)


def scratch_folders(pids: set[int]) -> list[Path]:
    """Return the scratch folders that these processes made."""
    found = [path for folder in ("/tmp", "/dev/shm") for path in Path(folder).glob("lintseq_sandbox_*")]
    return [path for path in found if int(path.name.split("_")[2]) in pids]


@isolated
@pytest.mark.parametrize("killed", ["server", "launcher"])
@pytest.mark.parametrize("level", ["confined", "unsafe"])
def test_nothing_is_left_when_a_process_of_the_sandbox_is_killed(level, killed):
    before = descendants(os.getpid())
    program = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n"
        "print('started', flush=True)\ntime.sleep(60)"
    )
    with Sandbox(workers=1, level=level) as fresh, ThreadPoolExecutor(1) as thread:
        future = thread.submit(run, fresh, program, FeedStdin(), seconds=60)
        while len(descendants(os.getpid()) - before) < 4:  # launcher, server, program and daemon
            time.sleep(0.02)
        launcher = newest_server()
        started = descendants(os.getpid()) - before
        (server,) = (pid for pid in started if parent_of(Path(f"/proc/{pid}/stat")) == launcher)
        os.kill(server if killed == "server" else launcher, signal.SIGKILL)
        fresh.__exit__()
        assert future.result().verdict == "sandbox-error"
    deadline = time.monotonic() + 10
    while (alive(started) or scratch_folders(started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(started)
    assert not scratch_folders(started)


@isolated
@pytest.mark.parametrize("level", ["isolated", "confined", "unsafe"])
def test_nothing_is_left_when_the_parent_is_killed(level):
    code = (
        "from lintseq import FeedStdin, Job, Limits, Sandbox\n"
        f"with Sandbox(workers=2, level={level!r}) as sandbox:\n"
        "    job = Job('import time; print(1, flush=True); time.sleep(60)', FeedStdin(), Limits(seconds=60))\n"
        "    list(sandbox.run([job] * 2))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    wanted = 7  # this one, and for each worker a launcher, a server and a program
    while len(descendants(process.pid)) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    pids = descendants(process.pid)
    assert len(pids) == wanted
    process.kill()
    process.wait()
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pids)


def test_a_sandbox_that_is_not_entered_says_so():
    with pytest.raises(ToolError, match="has not been entered"):
        next(Sandbox().run([GOOD]))
    with pytest.raises(ToolError, match="has not been entered"):
        _ = Sandbox().isolation
    with pytest.raises(ConfigError, match="at least one worker"):
        Sandbox(workers=0)
    with pytest.raises(ConfigError, match="there is no level"):
        Sandbox(level="bwrap")  # type: ignore[arg-type]


# Isolation


@isolated
def test_the_isolation_describes_every_layer(sandbox):
    level = sandbox.isolation
    assert [layer.name for layer in level.layers] == list(LAYERS["isolated"]) == list(LAYERS["confined"])
    assert json.loads(json.dumps(level.as_dict()))["level"] == "isolated"
    assert level.summary.startswith("isolated: all layers")
    for layer in level.layers:
        assert layer.on == (not layer.reason)
        assert re.search(rf"^  {'on ' if layer.on else 'OFF'}  {layer.name}", level.describe(), re.M)


def test_unsafe_must_be_requested_and_says_what_it_means():
    with Sandbox(workers=1, level="unsafe") as sandbox:
        assert sandbox.isolation.name == "unsafe"
        assert sandbox.isolation.summary.startswith("unsafe: programs run with all your rights")
        assert [layer.name for layer in sandbox.isolation.layers if layer.on] == ["limits"]
        assert [result.verdict for _, result in run_known_programs(sandbox)] == list(KNOWN_PROGRAMS)


BREAK = (
    "import sys; sys.path.insert(0, {source!r}); import lintseq.sandbox.%s;"
    " from lintseq.sandbox.server import main; main()"
)


@pytest.mark.parametrize(
    ("trick", "words"),
    [
        ("kernel as k, os; k._libc.unshare = k._libc.syscall = lambda *a: -1", "namespace: "),
        ("kernel as k; sys.platform = 'darwin'", "isolation needs Linux, and this is darwin"),
        ("kernel as k; k.filter_system_calls = lambda *a: None", "system calls are not filtered"),
        ("seccomp as s; s._ARCHITECTURES.clear()", "no table of calls"),
    ],
)
def test_where_isolation_is_impossible_the_sandbox_refuses(trick, words):
    with pytest.raises(ConfigError, match="programs cannot be isolated on this machine") as caught:
        Sandbox(workers=1, launcher=BREAK % trick).__enter__()
    assert words in str(caught.value)
    assert "choose the sandbox 'unsafe'" in str(caught.value)


NO_NAMESPACES = BREAK % "kernel as k; k._libc.unshare = lambda *a: -1"


@pytest.fixture(scope="module")
def confined():
    with Sandbox(workers=1, level="confined") as opened:
        yield opened


def test_without_namespaces_the_sandbox_is_confined_and_says_why():
    with Sandbox(workers=1, launcher=NO_NAMESPACES) as fresh:
        assert fresh.isolation.name == "confined"
        assert fresh.isolation.reason.startswith("isolated is not available: new ")
        assert [result.verdict for _, result in run_known_programs(fresh)] == list(KNOWN_PROGRAMS)
        described = fresh.isolation.describe()
        assert "Compared with the level isolated:" in described
        assert set(fresh.isolation.lacks) < set(LACKS.values())
        assert json.loads(json.dumps(fresh.isolation.as_dict()))["lacks"] == list(fresh.isolation.lacks)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_without_landlock_the_level_confined_is_not_available(number):
    raises = f"def refuse():\n    raise OSError({number}, 'no')\nkernel.landlock_version = refuse\n"
    launcher = (BREAK % "kernel as kernel").replace("; from", f"\n{raises}from")
    with pytest.raises(ConfigError, match="Landlock") as caught:
        Sandbox(workers=1, level="confined", launcher=launcher).__enter__()
    assert "confined: " in str(caught.value)


def test_a_confined_program_writes_only_in_its_folder_and_leaves_nothing(confined):
    program = (
        "import os, tempfile\nos.umask(0o777)\nos.mkdir('a')\nos.mkfifo('fifo')\nos.symlink('/etc', 'etc')\n"
        "open('file', 'w').write('x')\nos.umask(0)\nprint(tempfile.mkdtemp().startswith(os.environ['TMPDIR']))\n"
        "try:\n    open('/tmp/x', 'w')\nexcept OSError:\n    print('refused')"
    )
    result = run(confined, program)
    assert (result.verdict, result.stdout) == ("passed", b"True\nrefused\n"), result
    result = run(confined, "import os\nprint(sorted(os.listdir('..')), os.listdir('.'))")
    assert result.stdout == b"['program.py', 'work'] []\n"


def test_files_beyond_the_limit_are_an_error_even_if_the_program_ends_before_they_are_measured(confined):
    result = run(confined, "for n in range(9):\n    open(f'f{n}', 'wb').write(bytes(900_000))", scratch=2_000_000)
    assert (result.verdict, result.detail) == ("error", "its files take more than 2,000,000 bytes, or are too many")
    assert run(confined, "open('f', 'wb').write(bytes(900_000))", scratch=2_000_000).verdict == "passed"


def test_verdicts_do_not_depend_on_the_level(confined, sandbox):
    assert essence(list(confined.run(some_jobs()))) == essence(list(sandbox.run(some_jobs())))


@pytest.mark.parametrize("depth", [1, 300])
def test_a_folder_is_emptied_whatever_is_in_it(tmp_path, depth):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.symlink(kept, folder / "link")
    (folder / "file").write_bytes(bytes(10_000))
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 100, 0o700, dir_fd=inner)
        deeper = os.open("d" * 100, os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.symlink(kept, "link", dir_fd=inner)
    os.close(os.open("file", os.O_CREAT, dir_fd=inner))
    os.fchmod(inner, 0)
    os.close(inner)
    assert scratch.exceeds(str(folder), 5_000, 0, [])
    assert not scratch.exceeds(str(folder), 1 << 40, 0, [])
    used, entries = scratch.empty(str(folder))
    assert used >= 10_000
    assert entries >= depth + 3
    assert os.listdir(folder) == []
    assert (kept / "file").read_text() == "kept"


LAYOUTS = ("/tmp", "linked", "PYTHONPATH", "user", "conda", "link to Python", "mounted")
IN_OWN_MOUNTS = [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    'mount --bind "$0" "$1"; shift; exec "$@"',
]


@pytest.mark.parametrize("level", ["isolated", "confined"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_programs_find_the_packages_of_an_environment_wherever_it_is(tmp_path, level, layout):
    command, packages, variables = environment_with(layout, tmp_path)
    executable = command[-1]
    cache = tmp_path / "cache"
    (cache / "canary-1.dist-info").mkdir(parents=True)
    (cache / "canary-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: canary\nVersion: 1\n")
    (cache / "canary-1.dist-info" / "top_level.txt").write_text("canary\n")
    (cache / "canary").mkdir()
    song = "open(f'{sys.prefix}/share/song').read()" if layout == "conda" else "'tweet'"
    (cache / "canary" / "__init__.py").write_text(f"import sys\nsong = {song}\n")
    for name in ("canary", "canary-1.dist-info"):
        (packages / name).mkdir()
        for path in (cache / name).iterdir() if layout != "mounted" or name != "canary" else ():
            place = packages / name / path.name
            place.symlink_to(path) if layout == "linked" else place.write_bytes(path.read_bytes())
    code = (
        f"import sys; sys.path += {[str(HERE.parent / 'src'), *site_packages()]!r}; import canary\n"
        "from lintseq.sandbox.status import *\n"
        f"with Sandbox(workers=1, level={level!r}) as sandbox:\n"
        "    program = 'import canary, subprocess, sys; print(canary.song, sys.executable, flush=True);'\n"
        "    program += \"subprocess.run([sys.executable, '-c', 'import canary; print(canary.song)'])\"\n"
        "    print(next(sandbox.run([Job(program, FeedStdin())])).stdout.decode())\n"
    ).replace("import *", "import *; from lintseq.sandbox import FeedStdin")
    environ = {**os.environ, **variables}
    done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=False, env=environ)
    own_library = layout == "conda" and sysconfig.get_config_var("Py_ENABLE_SHARED")  # which is where it was built
    expected = ["tweet", executable, *([] if own_library else ["tweet"])]
    assert done.stdout.split() == expected, done


def environment_with(layout: str, folder: Path) -> tuple[list[str], Path, dict[str, str]]:
    """Return a command that runs the Python of an environment, its folder of packages, and environment variables."""
    environment, version = folder / "environment", f"python{sys.version_info[0]}.{sys.version_info[1]}"
    python, packages = environment / "bin" / "python", environment / "lib" / version / "site-packages"
    original = Path(sys.base_prefix, "bin", version)
    if layout == "conda":
        copy_python(original, environment, version)
        return [str(python)], packages, {}
    venv.EnvBuilder(symlinks=True, with_pip=False).create(environment)
    if layout in ("PYTHONPATH", "link to Python"):
        packages = folder / "more" / "site-packages"
        packages.mkdir(parents=True)
        if layout == "PYTHONPATH":
            return [str(python)], packages, {"PYTHONPATH": str(packages)}
        link = folder / "elsewhere" / "py"
        link.parent.mkdir()
        link.symlink_to(original)
        return [str(link)], packages, {"PYTHONPATH": str(packages)}
    if layout == "user":
        packages = folder / "user" / "lib" / version / "site-packages"
        packages.mkdir(parents=True)
        return [str(original)], packages, {"PYTHONUSERBASE": str(folder / "user")}
    if layout == "mounted":
        if os.geteuid() or subprocess.run([*IN_OWN_MOUNTS, "/etc", "/etc", "true"], check=False).returncode:
            pytest.skip("mounting needs root and namespaces")
        return [*IN_OWN_MOUNTS, str(folder / "cache" / "canary"), str(packages / "canary"), str(python)], packages, {}
    return [str(python)], packages, {}


def copy_python(original: Path, environment: Path, version: str) -> None:
    """Make an environment as conda does: a Python of its own, linked file by file, with data in `share`."""
    (environment / "bin").mkdir(parents=True)
    (environment / "conda-meta").mkdir()
    (environment / "share").mkdir()
    (environment / "share" / "song").write_text("tweet")
    shutil.copy(original, environment / "bin" / version)
    (environment / "bin" / "python").symlink_to(version)
    left_out = shutil.ignore_patterns("site-packages", "test", "idlelib", "ensurepip", "config-*")
    library = environment / "lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, copy_function=link_or_copy, ignore=left_out)
    (library / "site-packages").mkdir()


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_root_is_told_that_programs_cannot_read_an_environment_that_is_closed_to_others(tmp_path):
    if os.geteuid():
        pytest.skip("root can read everything, until it gives up its privileges")
    command, _, _ = environment_with("/tmp", tmp_path / "home")
    os.chown(tmp_path / "home", 12345, 12345)
    (tmp_path / "home").chmod(0o700)
    code = (
        f"import sys; sys.path += {[str(HERE.parent / 'src'), *site_packages()]!r}\n"
        "from lintseq.sandbox import run\nrun('', level='confined')"
    )
    done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=False)
    assert re.search(
        r"programs could not read \S+/home/environment/\S+: run as the user that it belongs to", done.stderr
    )


def site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def test_packages_that_programs_do_not_find_are_named(confined, monkeypatch):
    monkeypatch.setattr("lintseq.sandbox.status.packages_distributions", lambda: {"orjson": [], "no_such": []})
    monkeypatch.setattr("lintseq.sandbox.status._is_installed", lambda name: True)
    (result,) = confined.run([environment_job()])
    assert (result.verdict, result.detail.partition(" (")[2]) == ("failed", "programs do not find packages: no_such)")


@pytest.mark.parametrize(
    "calls", [None, seccomp.ConfinedCalls(7, owns_files=True, pretends_user=True, truncates=True)]
)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_in_it(machine, calls):
    code = seccomp.filter_for(machine, calls)
    assert len(code) % 8 == 0
    length = len(code) // 8
    assert length < 4096
    for index in range(length):
        operation = int.from_bytes(code[8 * index : 8 * index + 2], "little")
        then, otherwise = code[8 * index + 2 : 8 * index + 4]
        if operation & 7 == 5:
            assert index + 1 + max(then, otherwise) < length


@isolated
def test_the_command_prints_the_layers_and_the_checks(monkeypatch, capsys, tmp_path):
    (tmp_path / "site-packages" / "nest" / "inner").mkdir(parents=True)
    (tmp_path / "site-packages" / "nest" / "inner" / "found_here.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "site-packages" / "nest" / "inner")  # as ray does
    with_another = {**packages_distributions(), "found_here": []}
    monkeypatch.setattr("lintseq.sandbox.status.packages_distributions", lambda: with_another)
    status = sandbox_status(check=True)
    assert status.ok, status.describe()
    assert main(["sandbox"]) == 0
    assert capsys.readouterr().out.startswith("isolated: all layers")
    monkeypatch.setattr("lintseq.cli.sandbox.sandbox_status", lambda check, level: status if check else None)
    assert main(["sandbox", "--check"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("isolated: all layers")
    assert out.count("as expected") == len(KNOWN_PROGRAMS) + 1
    assert main(["sandbox", "--json", "--check"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [check["verdict"] for check in printed["check"]] == [*KNOWN_PROGRAMS, "passed"]
    assert set(printed["layers"]) == set(LAYERS["isolated"])


def test_the_command_says_why_isolation_is_refused(monkeypatch, capsys):
    def refuse(check: bool, level: str) -> None:
        Sandbox(workers=1, level="isolated", launcher=NO_NAMESPACES).__enter__()

    monkeypatch.setattr("lintseq.cli.sandbox.sandbox_status", refuse)
    assert main(["sandbox"]) == 2
    assert "programs cannot be isolated" in capsys.readouterr().err


@isolated
def test_a_wrong_verdict_on_a_known_program_is_noticed(sandbox, monkeypatch, capsys):
    status = SandboxStatus(sandbox.isolation, run_known_programs(sandbox, {"failed": GOOD}))
    assert not status.ok
    monkeypatch.setattr("lintseq.cli.sandbox.sandbox_status", lambda check, level: status)
    assert main(["sandbox", "--check"]) == 1
    assert "NOT failed" in capsys.readouterr().out


# Plain data

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters())
    | st.binary()
)
keys = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4)
values = st.recursive(
    atoms | keys,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(keys, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def exact(value: Any) -> Any:
    """Return something that is equal only for equal values of equal types, NaN and -0.0 included."""
    if isinstance(value, float):
        return "float", repr(value)
    if isinstance(value, complex):
        return "complex", repr(value)
    if isinstance(value, list | tuple):
        return type(value), [exact(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(exact(item)) for item in value)
    if isinstance(value, dict):
        return dict, sorted((repr(exact(key)), repr(exact(item))) for key, item in value.items())
    return type(value), value


@given(values)
def test_values_round_trip(value):
    assert exact(decode(encode(value))) == exact(value)


def test_shared_and_cyclic_values_keep_their_shape():
    inner = [1]
    shared = decode(encode([inner, inner, (inner,)]))
    assert shared[0] is shared[1] is shared[2][0]
    cycle: Any = [1]
    cycle.append({"self": (cycle,)})
    back = decode(encode(cycle))
    assert back[1]["self"][0] is back


class Five(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Word(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__

    def __str__(self):
        return "other"


class Items(list):
    def __iter__(self):
        return iter([9])


class Color(IntEnum):
    RED = 1


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Five(3), 3),
        (Word("word"), "word"),
        (Items([1, 2]), [1, 2]),
        (Color.RED, 1),
        (Point(1, 2), (1, 2)),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (bytearray(b"x"), b"x"),
        ({Five(1): Word("a")}, {1: "a"}),
        (range(3), OpaqueValue("builtins.range", "range(0, 3)")),
        (int, OpaqueValue("builtins.type", "<class 'int'>")),
    ],
)
def test_subclasses_become_their_base_types(value, plain):
    back = decode(encode(value))
    assert exact(back) == exact(plain)


def test_numpy_values_become_plain_ones():
    np = pytest.importorskip("numpy")
    value = [
        np.int64(3),
        np.float32(0.5),
        np.bool_(True),
        np.str_("a"),
        np.array([[1, 2]]),
        np.array(7),
        np.complex128(1j),
    ]
    assert exact(decode(encode(value))) == exact([3, 0.5, True, "a", [[1, 2]], 7, 1j])
    assert decode(encode(np.array([{"a"}, None], dtype=object))) == [{"a"}, None]
    assert isinstance(decode(encode(np.datetime64("2020-01-01"))), OpaqueValue | int)


def test_a_value_that_only_gives_its_address_equals_nothing():
    back = decode(encode(object()))
    assert (back.type, back.text) == ("builtins.object", None)
    assert back != decode(encode(object()))
    assert decode(encode(iter([]))) != decode(encode(iter([])))


def test_deep_values_round_trip_up_to_a_depth():
    value: Any = []
    for _ in range(300):
        value = [value]
    assert decode(encode(value)) == value
    for _ in range(300):
        value = (value,)
    back = decode(encode(value))
    for _ in range(401):
        (back,) = back
    assert isinstance(back, OpaqueValue)


def test_values_that_are_too_large_are_refused():
    for value in ("x" * 1000, [1.5] * 1000, list(range(1000)), b"x" * 1000, [[]] * 1000, "é" * 1000):
        with pytest.raises(PlainDataError):
            encode(value, max_bytes=900)
        assert decode(encode(value, max_bytes=100_000)) == value


NONSENSE = [
    b"",
    b"null",
    b"[]",
    b"[1,2,3]",
    b"[[0],[]]",
    b'[[-1],[["list",[]]]]',
    b'[[0],[["tuple",[[0]]]]]',
    b'[[0],[["set",[[1]]],["list",[]]]]',
    b'[[0],[["dict",[1]]]]',
    b'[[0],[["dict",[[1],1]],["dict",[]]]]',
    b'[[0],[["int","x"]]]',
    b'[[0],[["int"]]]',
    b'[[0],[["bytes","*"]]]',
    b'[[0],[["bytes",5]]]',
    b'[[0],[["halves","zz"]]]',
    b'[[0],[["complex","1"]]]',
    b'[[0],[["pickle","x"]]]',
    b'[[0],[["same",[0]]]]',
    b"[[0],[7]]",
    b"[[0],{}]",
    b"[{},[]]",
    b'[[true],[["list",[]]]]',
    b"[" * 100_000,
    b"[1" + b"0" * 5000 + b",[]]",
    b"\xff\xfe",
]


@pytest.mark.parametrize("data", NONSENSE, ids=lambda data: data[:40].decode("latin-1"))
def test_decoding_anything_else_raises(data):
    with pytest.raises(PlainDataError):
        decode(data)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(0, 5)
        | st.text(max_size=3)
        | st.floats()
        | st.sampled_from(
            ["list", "tuple", "set", "dict", "same", "int", "float", "str", "bytes", "other", "complex", "frozenset"]
        ),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=30,
    )
)
def test_decoding_any_json_gives_a_value_or_raises_one_error(data):
    with contextlib.suppress(PlainDataError):
        decode(json.dumps([[0], data if isinstance(data, list) else [data]]).encode())


def test_keys_made_to_take_forever_are_refused():
    colliding = [n * (2**61 - 1) for n in range(5000)]
    started = time.monotonic()
    with pytest.raises(PlainDataError, match="collide"):
        decode(
            json.dumps(
                [[0], [["set", [[1 + n] for n in range(5000)]], *(["int", hex(n)] for n in colliding)]]
            ).encode()
        )
    exploding = [["tuple", [[n + 1], [n + 1]]] for n in range(1, 100)]
    with pytest.raises(PlainDataError, match="too large"):
        decode(json.dumps([[0], [["dict", [[1], 1]], *exploding, ["tuple", []]]]).encode())
    assert time.monotonic() - started < 5


def test_equal_values_of_different_types_stay_distinct():
    assert [type(decode(encode(value))) for value in (1, True, 1.0)] == [int, bool, float]
    assert math.copysign(1, decode(encode(-0.0))) == -1


# Tampering


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys\nsys._getframe()", "mentions _getframe"),
        ("import gc\nfor x in gc.get_objects(): pass", "mentions get_objects"),
        ("import gc as g\ngetattr(g, 'get_referrers')", "mentions get_referrers"),
        ("from gc import get_objects as f", "mentions get_objects"),
        ("import inspect\ninspect.stack()", "mentions stack"),
        ("import inspect\ninspect.currentframe()", "mentions currentframe"),
        ("from inspect import *", "mentions *"),
        ("import unittest\nunittest.TestCase.assertEqual = f", "changes unittest"),
        ("from unittest import TestCase, main\nTestCase.assertEqual = f", "changes TestCase"),
        ("import unittest\nsetattr(unittest.TestCase, 'x', 1)", "mentions setattr"),
        ("import unittest\nraise unittest.SkipTest", "mentions SkipTest"),
        ("import importlib\nimportlib.import_module('__main__')", "mentions __main__"),
        ("import __main__", "imports __main__"),
        ("class A:\n    def __eq__(self, o): return True", "defines __eq__ in class A"),
        ("class A:\n    __eq__ = lambda s, o: True", "defines __eq__ in class A"),
        ("import os\nos._exit(0)", "mentions _exit"),
        ("getattr(x, '__builtins__')", "mentions __builtins__"),
        ("def all(x): return True", "gives the name all"),
        ("import sys\nsys.modules['x'] = 1", "mentions sys.modules"),
        ("f.__code__ = g.__code__", "mentions __code__"),
    ],
)
def test_signs_of_tampering_are_found(program, reason):
    assert any(found.startswith(reason) for found in signs_of_tampering(program))


@pytest.mark.parametrize(
    "program",
    [
        ADD,
        "import math, collections\nclass A:\n    x = 1\n",
        "def f(:",
        "x = '\0'",
        "(" * 500,
        "def main(): pass\nif __name__ == '__main__':\n    main()",
        "import gc\ngc.collect()\ngc.disable()",
        "import inspect\nprint(inspect.signature(len), inspect.getsource(f), inspect.isclass(int))",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 1)\nunittest.main()",
        "class A:\n    def stack(self):\n        return self.trace\n    def get_objects(self): pass",
        "import pytest\ndef test():\n    with pytest.raises(ValueError):\n        int('x')",
    ],
)
def test_ordinary_programs_have_no_signs_of_tampering(program):
    assert signs_of_tampering(program) == []


# The page


@isolated
def test_the_page_shows_what_its_code_prints(capsys):
    page = (HERE.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
    code, printed = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.S).groups()
    exec(compile(code, "sandbox.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out == printed


def test_the_page_names_every_layer_and_verdict():
    page = (HERE.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name in (*LAYERS["isolated"], *get_args(Verdict), *get_args(Level)):
        assert f"| `{name}`" in page, name
