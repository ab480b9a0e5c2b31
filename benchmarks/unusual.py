"""Does the sandbox judge correct programs wrong that do unusual but legal things?

Each program below prints a number that it is given, on standard input or in its text, and does something unusual
around that. It runs with many numbers at each level; all that do not pass, or print something else, are counted.
"""

# ruff: noqa: E501

import argparse
import sys
from collections import Counter
from pathlib import Path

from common import HERE, Goal, Report, Table

from lintseq.sandbox import FeedStdin, Job, JobResult, RunCheck, Sandbox

PROGRAMS = {
    "input() at import": "print(input())",
    "reads bytes": "import sys\nprint(sys.stdin.buffer.read().decode().strip())",
    "10 MB on standard error": "import sys\nsys.stderr.write('x' * 10_000_000)\nprint(input())",
    "warnings": "import warnings\nfor n in range(2000):\n    warnings.warn(f'w{n}')\nprint(input())",
    "threads": (
        "import threading\nfound = []\nthreads = [threading.Thread(target=found.append, args=(1,)) for _ in range(20)]\n"
        "for t in threads: t.start()\nfor t in threads: t.join()\nassert len(found) == 20\nprint(input())"
    ),
    "a thread pool": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n"
        "    assert sum(pool.map(abs, range(99))) == 4851\nprint(input())"
    ),
    "prints from a thread that outlives the program": (
        "import threading, time\ntext = input()\nthreading.Thread(target=lambda: (time.sleep(0.05), print(text))).start()"
    ),
    "asyncio": (
        "import asyncio\nasync def main():\n    await asyncio.gather(*(asyncio.sleep(0.001) for _ in range(20)))\n"
        "    print(input())\nasyncio.run(main())"
    ),
    "a shell": "import subprocess\nprint(subprocess.run('cat', shell=True, capture_output=True, text=True).stdout.strip())",
    "a Python of its own": (
        "import subprocess, sys\nout = subprocess.run([sys.executable, '-c', 'print(input())'], capture_output=True)\n"
        "print(out.stdout.decode().strip())"
    ),
    "a forked process with a pipe": (
        "import os\nr, w = os.pipe()\nif os.fork() == 0:\n    os.write(w, input().encode())\n    os._exit(0)\n"
        "os.wait()\nprint(os.read(r, 99).decode())"
    ),
    "kills its child": "import subprocess\np = subprocess.Popen(['sleep', '60'])\np.kill()\np.wait()\nprint(input())",
    "multiprocessing.Process": (
        "import multiprocessing as m\ntext = input()\ndef f(c): c.send(text)\na, b = m.Pipe()\n"
        "p = m.get_context('fork').Process(target=f, args=(b,))\np.start()\nprint(a.recv())\np.join()"
    ),
    "multiprocessing.Pool": (
        "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as pool:\n    pool.map(abs, range(5))\nprint(input())"
    ),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(20_000)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\n"
        "assert f(15_000) == 15_000\nprint(input())"
    ),
    "a large stack": (
        "import sys, threading\nsys.setrecursionlimit(200_000)\nthreading.stack_size(256 << 20)\n"
        "def f(n): return 0 if n == 0 else 1 + f(n - 1)\ndef main(): print(input() if f(50_000) else '')\n"
        "t = threading.Thread(target=main)\nt.start()\nt.join()"
    ),
    "sys.exit(0)": "import sys\nprint(input())\nsys.exit(0)",
    "exit() without an argument": "print(input())\nexit()",
    "os._exit(0) after a flush": "import os, sys\nprint(input())\nsys.stdout.flush()\nos._exit(0)",
    "atexit": "import atexit\ntext = input()\natexit.register(lambda: print(text))",
    "__del__": "class A:\n    def __del__(self): print(text)\ntext = input()\na = A()\ndel a",
    "a signal handler": (
        "import os, signal\nseen = []\nsignal.signal(signal.SIGUSR1, lambda *a: seen.append(1))\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\nassert seen\nprint(input())"
    ),
    "an alarm": (
        "import signal\nclass Late(Exception): pass\ndef late(*a): raise Late\nsignal.signal(signal.SIGALRM, late)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\ntry:\n    while True: signal.pause()\nexcept Late: print(input())"
    ),
    "the locale": "import locale\nlocale.setlocale(locale.LC_ALL, '')\nprint(input())",
    "files in its folder": ("import json\njson.dump(input(), open('a.json', 'w'))\nprint(json.load(open('a.json')))"),
    "moves and copies files": (
        "import os, shutil\nopen('a', 'w').write(input())\nos.makedirs('d/e')\nshutil.copy('a', 'd/b')\n"
        "shutil.move('d/b', 'd/e/c')\nprint(open('d/e/c').read())\nshutil.rmtree('d')"
    ),
    "temporary files": (
        "import tempfile\nwith tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile('w+') as f:\n"
        "    f.write(input())\n    f.seek(0)\n    print(f.read())"
    ),
    "archives": (
        "import zipfile, tarfile\nopen('a', 'w').write(input())\n"
        "with zipfile.ZipFile('a.zip', 'w') as z: z.write('a')\nwith tarfile.open('a.tar', 'w') as t: t.add('a.zip')\n"
        "tarfile.open('a.tar').extractall('out')\nprint(zipfile.ZipFile('out/a.zip').read('a').decode())"
    ),
    "sqlite": (
        "import sqlite3\nc = sqlite3.connect('x.db')\nc.execute('create table t(x)')\n"
        "c.execute('insert into t values (?)', (input(),))\nc.commit()\nprint(*c.execute('select x from t').fetchone())"
    ),
    "its own source": "import sys\nassert 'sys' in open(sys.argv[0]).read()\nprint(input())",
    "many imports": (
        "import asyncio, ctypes, decimal, email, http.server, logging, multiprocessing, sqlite3, ssl, tkinter.constants\n"
        "import xml.etree.ElementTree, unittest.mock, zoneinfo\nprint(input())"
    ),
    "mmap": "import mmap\nm = mmap.mmap(-1, 1 << 20)\nm[:5] = b'hello'\nprint(input())",
    "sets and hashes": "words = {'a', 'b', 'c'}\nassert sorted(words) == ['a', 'b', 'c'] and hash('x') == hash('x')\nprint(input())",
    "a pair of sockets": "import socket\na, b = socket.socketpair()\na.sendall(input().encode())\nprint(b.recv(99).decode())",
    "a server on the loopback": (
        "import socket, threading\ns = socket.create_server(('127.0.0.1', 0))\ntext = input()\n"
        "threading.Thread(target=lambda: s.accept()[0].sendall(text.encode())).start()\n"
        "print(socket.create_connection(s.getsockname()).recv(99).decode())"
    ),
}
CHECKED = {
    "5 MB on each stream before the check": "import sys\nfor s in (sys.stdout, sys.stderr): s.write('x' * 5_000_000)\ndef f(): return {n}",
    "main guard": "def f(): return {n}\nif __name__ == '__main__':\n    print(f())",
    "gc and inspect": "import gc, inspect\ngc.collect()\ndef f(): return {n}\nassert inspect.isfunction(f)",
    "a thread that never ends": "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\ndef f(): return {n}",
    "closes standard output": "import sys\nsys.stdout.close()\ndef f(): return {n}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument("--variants", type=int, default=25, help="numbers for each program (default: 25)")
    options = parser.parse_args()
    jobs = [(name, number, job(name, number)) for name in (*PROGRAMS, *CHECKED) for number in range(options.variants)]
    wrong: dict[str, Counter[str]] = {}
    suspects: Counter[str] = Counter()
    for level in ("isolated", "confined"):
        wrong[level] = Counter()
        with Sandbox(workers=2, level=level) as sandbox:  # type: ignore[arg-type]
            results = sandbox.run(job for _, _, job in jobs)
            for (name, number, _), result in zip(jobs, results, strict=True):
                if not is_right(name, number, result):
                    print(level, name, result.verdict, result.detail, result.stderr[-200:], file=sys.stderr)
                    wrong[level][name] += 1
                suspects[name] += bool(result.suspect)
    report = Report("unusual", "Correct programs that do unusual things")
    rows = [[name, *(options.variants - wrong[level][name] for level in wrong)] for name in (*PROGRAMS, *CHECKED)]
    report.tables.append(Table(f"Right verdicts, of {options.variants}", ["the program", *wrong], rows))
    report.goals += [
        Goal("programs", len(jobs), least=1000),
        Goal("false failures at the level isolated", wrong["isolated"].total(), most=0),
        Goal("programs with false failures at the level confined", len(wrong["confined"]), most=1),
        Goal("passes marked as suspect", suspects.total(), most=0),
    ]
    report.notes.append("At the level confined, the row with less is what it lacks: a loopback.")
    report.publish(options.results)


def job(name: str, number: int) -> Job:
    if name in CHECKED:
        return Job(CHECKED[name].replace("{n}", str(number)), RunCheck(f"assert f() == {number}"))
    return Job(PROGRAMS[name], FeedStdin(f"{number}\n"))


def is_right(name: str, number: int, result: JobResult) -> bool:
    return result.verdict == "passed" and (name in CHECKED or result.stdout == f"{number}\n".encode())


if __name__ == "__main__":
    main()
