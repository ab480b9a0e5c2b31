"""Completions: the plan, the file that survives a kill, servers that misbehave. Nothing here needs torch."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lintseq import __version__
from lintseq.benchmarks import load_problems
from lintseq.benchmarks.prompts import prompt_for
from lintseq.cli import main
from lintseq.codecs import DIFF
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.completions import read_completions
from lintseq.evaluation.cost import ModelShape
from lintseq.evaluation.run import RowsFile
from lintseq.lm.backends.backend import Generated, Request, Sampling
from lintseq.lm.generating import (
    Asked,
    arm_of,
    asked_of,
    complete,
    output_names,
    read_prompts,
    request_of,
    requests_of,
    seed_of,
    sweep,
)
from lintseq.lm.linted import EditOptions, watches
from lintseq.program import Program

PROBLEMS = list(load_problems(str(Path(__file__).parents[1] / "examples" / "problems.jsonl")).problems)
GOOD = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return r * r\n"
NO_EDITS = EditOptions()


class Canned:
    """A backend that answers from memory, and is killed after so many answers."""

    def __init__(self, *, die_after: int | None = None) -> None:
        self.die_after = die_after
        self.asked: list[Request] = []

    def describe(self) -> dict[str, Any]:
        return {"model": "canned"}

    def made_with(self) -> dict[str, Any]:
        return {}

    def warnings(self) -> tuple[str, ...]:
        return ()

    def generate(self, requests: list[Request], sampling: Sampling, **_: Any) -> Iterator[Generated]:
        for number, request in enumerate(reversed(requests)):  # in another order than asked
            if number == self.die_after:
                raise KeyboardInterrupt
            self.asked.append(request)
            yield Generated(request, GOOD, "end", 10, 20, 1000, {})


# The plan


def test_each_completion_has_a_seed_of_its_own_that_depends_on_nothing_else():
    asked = [Asked("a", "x"), Asked("b", "y")]
    seeds = {(one.task_id, one.index): one.seed for one in requests_of(asked, n=50, seed=0)}
    assert len(set(seeds.values())) == 100
    assert all(0 <= seed < 2**53 for seed in seeds.values())
    alone = requests_of([Asked("b", "other")], n=3, seed=0)
    assert [one.seed for one in alone] == [seeds["b", index] for index in range(3)]
    assert seed_of(1, "a", 0) != seed_of(0, "a", 0)


def test_a_sweep_is_a_grid_with_a_file_for_each_setting():
    grid = sweep([0.2, 1.0], [0.9, 1.0], [0.0], [0])
    names = output_names("out/c.jsonl.gz", grid)
    assert names == [f"out/c.{name}.jsonl.gz" for name in ("t0.2_p0.9", "t0.2", "t1_p0.9", "t1")]
    assert output_names("c.jsonl", grid[:1]) == ["c.jsonl"]
    assert len(sweep([1.0, 1.0], [1.0], [0.0], [0])) == 1


@pytest.mark.parametrize(
    "settings",
    [{"temperature": -1}, {"top_p": 0}, {"min_p": 2}, {"max_tokens": 0}, {"max_tokens": 4, "min_tokens": 5}],
)
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ConfigError, match=r"choose|at least"):
        Sampling(**settings)


def test_a_recipe_beside_a_model_tells_its_prompts(tmp_path):
    assert arm_of(str(tmp_path)).prompts is None
    for data, prompts, form in (
        ('arm = "edits"', "edits", "diff"),
        ('arm = "edits"\nformat = "udiff:2"\nlayout = "chat"', "messages", "udiff:2"),
        ('arm = "plain"', "plain", "code"),
    ):
        (tmp_path / "recipe.toml").write_text(f"[data]\n{data}\n")
        assert (arm_of(str(tmp_path)).prompts, arm_of(str(tmp_path)).format) == (prompts, form)


def test_solve_asks_as_the_benchmarks_do():
    problem = PROBLEMS[0]
    assert request_of(problem.instruction, "edits", Program(()), seed=0).prompt == prompt_for(problem, "edits")
    assert request_of(problem.instruction, "messages", Program(()), seed=0).prompt == prompt_for(problem, "messages")


def test_prompts_of_ones_own(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a"}\n{"task_id": "t", "messages": [{"role": "user", "content": "b"}]}\n')
    assert [one.task_id for one in read_prompts(str(path))] == ["1", "t"]
    for bad in (
        '{"prompt": 3}',
        '{"messages": []}',
        '{"task_id": "1", "prompt": "a"}\n{"task_id": "1", "prompt": "a"}',
        "",
    ):
        path.write_text(bad + "\n")
        with pytest.raises(ConfigError, match=r"p\.jsonl"):
            read_prompts(str(path))


# The file


def opened(tmp_path: Path, *, resume: bool = False, **settings: Any) -> RowsFile:
    return RowsFile(str(tmp_path / "c.jsonl"), {"model": "canned", **settings}, resume=resume, overwrite=False)


def test_what_is_generated_is_what_evaluate_reads(tmp_path):
    requests = requests_of(asked_of(PROBLEMS, "edits"), n=2, seed=0)
    tally = complete(Canned(), requests, Sampling(), opened(tmp_path), form="diff", edits=NO_EDITS)
    assert (tally.done, tally.tokens, tally.flops) == (24, 480, 24_000)
    given = read_completions(str(tmp_path / "c.jsonl"), PROBLEMS)
    assert (given.form, given.missing) == ("diff", ())
    assert [(one.task_id, one.index) for one in given.items] == [(one.task_id, one.index) for one in requests]
    assert {(one.prompt_tokens, one.completion_tokens, one.flops) for one in given.items} == {(10, 20, 1000.0)}
    rows = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert rows[3]["seed"] == requests[3].seed
    assert (rows[3]["finish_reason"], rows[3]["sampling"]) == ("end", "t1")
    manifest = json.loads((tmp_path / "c.manifest.json").read_text())
    assert manifest["made_with"]["lintseq"] == __version__


def test_a_run_that_was_ended_goes_on_and_gives_the_same_file(tmp_path):
    requests = requests_of(asked_of(PROBLEMS, "edits"), n=2, seed=0)
    (tmp_path / "whole").mkdir()
    complete(Canned(), requests, Sampling(), opened(tmp_path / "whole"), form="diff", edits=NO_EDITS)
    for stop in (5, 0, 7, None):
        file = opened(tmp_path, resume=True)
        backend = Canned(die_after=stop)
        try:
            complete(backend, requests, Sampling(), file, form="diff", edits=NO_EDITS)
        except KeyboardInterrupt:
            assert not (tmp_path / "c.jsonl").exists()
            with (tmp_path / "c.jsonl.partial" / "rows.jsonl").open("a") as torn:
                torn.write('{"task_id": "exa')  # as a kill leaves a line
        finally:
            file.close()
    assert len(backend.asked) == 12
    assert (tmp_path / "c.jsonl").read_bytes() == (tmp_path / "whole" / "c.jsonl").read_bytes()
    assert not (tmp_path / "c.jsonl.partial").exists()


def test_a_run_with_other_settings_is_told_apart(tmp_path):
    requests = requests_of([Asked("a", "x")], n=4, seed=0)
    file = opened(tmp_path, n=4)
    with pytest.raises(KeyboardInterrupt):
        complete(Canned(die_after=2), requests, Sampling(), file, form=None, edits=NO_EDITS)
    file.close()
    with pytest.raises(ConfigError, match="n was 4, and is 5"):
        opened(tmp_path, resume=True, n=5)


# Edit by edit

WATCHED = EditOptions(linted=True, tries=2)
REQUEST = Request("t", 0, "x", 0)


def test_bad_edits_are_told_from_good_ones_by_the_state_that_they_come_to():
    watch = watches(WATCHED, Sampling())(REQUEST)
    assert watch.edit("@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi * r\n", last=False) == "again"  # pi is unknown
    assert watch.edit("@@ -7,0 +1,2 @@\n+def area(r):\n+    return r\n", last=False) == "again"  # no line 7
    assert watch.edit("@@ -0,0 +1,2 @@\n+def area(r):\n+    return r\n", last=False) == "keep"
    assert watch.edit("@@ -1,0 +2 @@\n+    r = r + 1", last=False) == "again"  # the separator stands in the row
    assert watch.edit("", last=True) == "again"
    assert watch.edit("@@ -1,0 +2 @@\n+    r = r + 1\n", last=True) == "keep"
    assert watch.report() == {"edits": 2, "rejected": {"unclean": 1, "malformed": 3}, "gave_up": 0}


def test_after_so_many_tries_an_edit_stays_or_ends_it():
    bad = "@@ -0,0 +1 @@\n+print(x)\n"
    for give_up, end in (("keep", "keep"), ("end", "drop")):
        watch = watches(EditOptions(linted=True, tries=1, give_up=give_up), Sampling())(REQUEST)
        assert [watch.edit(bad, last=False) for _ in range(2)] == ["again", end]
        assert watch.report()["gave_up"] == 1
    keeping = watches(EditOptions(linted=True, tries=0), Sampling())(REQUEST)
    assert keeping.edit(bad, last=False) == "keep"
    assert keeping.edit("@@ -1,0 +2 @@\n+y = 1\n", last=False) == "keep"  # x was unknown before


def test_an_edit_that_is_cut_off_goes_unless_it_is_whole():
    watch = watches(WATCHED, Sampling())(REQUEST)
    assert watch.edit("@@ -0,0 +1,2 @@\n+def area(r", last=True, cut=True) == "drop"
    assert watch.edit("@@ -0,0 +1 @@\n+x = 1", last=True, cut=True) == "keep"


def test_so_many_edits_are_enough_and_the_start_counts():
    watch = watches(EditOptions(stop_after=2), Sampling())(REQUEST)
    assert [watch.edit("nonsense", last=False) for _ in range(2)] == ["keep", "enough"]
    request = Request("t", 0, "x", 0, start="print(x)\n")
    watch = watches(WATCHED, Sampling())(request)
    assert watch.edit("@@ -1,0 +2 @@\n+y = 1\n", last=True) == "keep"


def test_linted_decoding_needs_chance():
    with pytest.raises(ConfigError, match="temperature"):
        watches(WATCHED, Sampling(temperature=0))


# Servers


class Handler(BaseHTTPRequestHandler):
    """Answers as `server.script` says: a list of modes, used up one by one, then `ok`."""

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server: Any = self.server
        with server.lock:
            server.seen.append((self.path, body))
            mode = server.script.pop(0) if server.script else "ok"
        if callable(mode):
            return self.reply(200, mode(body))
        if mode == "slow":
            time.sleep(0.6)
        if mode in ("429", "500"):
            return self.reply(int(mode), {"error": {"message": "busy"}}, {"retry-after": "0.01"})
        if mode == "401":
            return self.reply(401, {"error": {"message": "no such key"}})
        if mode == "garbage":
            return self.reply(200, "<html>")
        if mode == "empty":
            return self.reply(200, {"choices": []})
        if mode == "null":
            return self.reply(200, {"choices": [{"text": None}]})
        for name in server.refused:
            if name in body:
                return self.reply(422, {"error": {"message": f"Unexpected keys: {name}"}})
        return self.reply(200, server.answer(body))

    def reply(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # it did not wait
            self.wfile.write(data)


def said(text: str, **more: Any) -> dict[str, Any]:
    return {
        "choices": [{"text": text, "finish_reason": "stop", **more}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    }


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    pytest.importorskip("openai", reason="the extra openai is not installed")
    made: Any = QuietServer(("127.0.0.1", 0), Handler)
    made.script, made.seen, made.refused, made.lock = [], [], (), threading.Lock()
    made.answer = lambda body: said(GOOD)
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def asking(server: Any, **changes: Any) -> Any:
    from lintseq.lm.backends.openai import Patience, Server

    patience = Patience(timeout=changes.pop("timeout", 5), tries=changes.pop("tries", 4), first_pause=0.01)
    return Server(server.url, "m", concurrency=2, patience=patience, **changes)


SHAPE = ModelShape(2, 8, 2, 2, 4, 16, True, 100)


@pytest.mark.parametrize("trouble", ["429", "500", "slow", "garbage", "empty", "null"])
def test_a_server_in_trouble_is_asked_again(server, trouble):
    server.script = [trouble, trouble]
    backend = asking(server, timeout=0.3 if trouble == "slow" else 5)
    (done,) = backend.generate([REQUEST], Sampling())
    assert (done.text, done.finish, done.prompt_tokens, done.completion_tokens) == (GOOD, "end", 5, 7)
    assert len(server.seen) == 3
    told = " ".join(backend.warnings())
    assert ("garbage or short" in told) == (trouble in ("garbage", "empty", "null"))


@pytest.mark.parametrize("trouble", ["500", "garbage"])
def test_a_server_that_stays_in_trouble_is_given_up(server, trouble):
    server.script = [trouble] * 99
    with pytest.raises(ToolError, match=r"did not answer a request in 4 tries.*--resume"):
        list(asking(server).generate([REQUEST] * 3, Sampling()))


def test_a_server_that_is_not_there_and_one_that_refuses_are_told(server):
    server.script = ["401"]
    with pytest.raises(ConfigError, match=r"status 401: .*no such key"):
        list(asking(server).generate([REQUEST], Sampling()))
    server.server_close()
    with pytest.raises(ToolError, match="did not answer"):
        list(asking(server).generate([REQUEST], Sampling()))


def test_every_request_is_answered_once_with_its_own_seed(server):
    server.answer = lambda body: said(f"{body['prompt']} {body['seed']}")
    requests = requests_of([Asked("a", "x"), Asked("b", "y")], n=20, seed=0)
    done = list(asking(server, shape=SHAPE).generate(requests, Sampling(top_p=0.9, min_p=0.1, top_k=3)))
    assert sorted(one.text for one in done) == sorted(f"{one.prompt} {one.seed % 2**31}" for one in requests)
    assert {one.flops for one in done} == {SHAPE.prompt(5) + SHAPE.completion(7, prompt=5)}
    path, body = server.seen[0]
    assert path == "/v1/completions"
    assert (body["top_p"], body["min_p"], body["top_k"], body["min_tokens"]) == (0.9, 0.1, 3, 8)
    assert body["skip_special_tokens"] is False


def test_conversations_go_to_the_other_door(server):
    server.answer = lambda body: {"choices": [{"message": {"content": GOOD}, "finish_reason": "length"}]}
    request = Request("t", 0, [{"role": "user", "content": "hello"}], 0)
    (done,) = asking(server).generate([request], Sampling())
    assert (server.seen[0][0], done.text, done.finish) == ("/v1/chat/completions", GOOD, "length")


def test_what_a_server_does_not_take_is_left_out_and_told(server):
    server.refused = ("skip_special_tokens", "min_tokens")
    server.answer = lambda body: said("@@ -0,0 +1 @@\n+a = 1\n@@ -1,0 +2 @@\n+b = 1\n")  # separators are stripped
    backend = asking(server)
    list(backend.generate([REQUEST] * 3, Sampling()))
    told = list(backend.warnings())
    assert any("skip_special_tokens" in one for one in told)
    assert any("min_tokens" in one for one in told)
    assert any("seems to strip" in one for one in told)
    server.refused = ("min_p", "skip_special_tokens")
    with pytest.raises(ConfigError, match="min_p"):
        list(asking(server).generate([REQUEST], Sampling(min_p=0.1)))


def test_a_server_writes_edit_by_edit_and_bad_ones_again(server):
    bad = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi\n"
    more = "@@ -1,0 +2 @@\n+    r = r + 1\n"
    server.script = [
        lambda body: said(bad, stop_reason="<|diff|>"),
        lambda body: said(GOOD, stop_reason="<|diff|>"),
        lambda body: said(more, stop_reason=None),
    ]
    request = Request("t", 0, "do it\n<|diff|>", 3)
    (done,) = asking(server, shape=SHAPE).generate([request], Sampling(), watches=watches(WATCHED, Sampling()))
    assert done.text == GOOD + "<|diff|>" + more
    assert DIFF.read(done.text).program.text == "def area(r):\n    r = r + 1\n    return r * r\n"
    assert (done.finish, done.completion_tokens, done.more["thrown_tokens"]) == ("end", 21, 7)
    prompts = [body["prompt"] for _, body in server.seen]
    assert prompts == ["do it\n<|diff|>", "do it\n<|diff|>", f"do it\n<|diff|>{GOOD}<|diff|>"]
    assert len({body["seed"] for _, body in server.seen}) == 3
    assert all(body["stop"] == ["<|diff|>"] for _, body in server.seen)


def test_a_server_that_does_not_say_why_it_stopped_cannot_go_edit_by_edit(server):
    with pytest.raises(ConfigError, match="does not say whether it stopped"):
        list(asking(server).generate([REQUEST], Sampling(), watches=watches(WATCHED, Sampling())))


def test_the_command_with_a_server(server, tmp_path, capsys):
    examples = str(Path(__file__).parents[1] / "examples" / "problems.jsonl")
    command = ["complete", "--model", "m", "--backend", "openai", "--url", server.url, "--benchmark", examples]
    command += ["--prompts", "edits", "--n", "2", "--output", str(tmp_path / "c.jsonl"), "--quiet"]
    server.script = ["429"]
    assert main([*command, "--temperature", "0.5,1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in told] == ["c.t0.5.jsonl", "c.t1.jsonl"]
    assert {tally["done"] for tally in told.values()} == {24}
    assert main(["evaluate", str(tmp_path / "c.t1.jsonl"), "--benchmark", examples, "--linter", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["completions"] == 24
    assert main([*command, "--temperature", "0.5,1"]) == 2
    assert "--resume" in capsys.readouterr().err
    asked = len(server.seen)
    assert main([*command, "--temperature", "0.5,1", "--resume"]) == 0
    assert len(server.seen) == asked
    assert main([*command, "--temperature", "0.5,1", "--resume", "--problems", "example/m*"]) == 2
    assert "chosen was" in capsys.readouterr().err
    command[command.index("--output") + 1] = str(tmp_path / "some.jsonl")
    assert main([*command, "--problems", "example/merge-intervals"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [row["task_id"] for row in rows] == ["example/merge-intervals"] * 2
    assert json.loads((tmp_path / "some.manifest.json").read_text())["settings"]["chosen"]["problems"] == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--n", "2", "--temperature", "0"], "same completion"),
        (["--temperature", "hot"], "give a number"),
        (["--prompts", "nice"], "unknown prompts"),
        (["--backend", "openai"], "--url"),
        (["--backend", "other"], "unknown backend"),
        (["--prompts", "plain", "--linted"], "for edits"),
        (["--linted", "--temperature", "0"], "temperature"),
        (["--prompts-file", "x"], "--benchmark, or"),
        (["--problems", "x"], "has no problem 'x'"),
        (["--skip-first", "99"], "leaves none"),
    ],
)
def test_the_command_refuses_what_cannot_work_before_it_loads_a_model(tmp_path, capsys, options, told):
    examples = str(Path(__file__).parents[1] / "examples" / "problems.jsonl")
    base = ["complete", "--model", str(tmp_path), "--benchmark", examples, "--output", str(tmp_path / "c.jsonl")]
    base += [] if "--prompts" in options else ["--prompts", "edits"]
    assert main([*base, *options]) == 2
    assert told in capsys.readouterr().err


def test_a_program_grows_on_a_terminal_in_one_place():
    import io

    from rich.console import Console

    from lintseq.cli.solve import Stage

    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=60, height=20, highlight=False, markup=False)
    text = GOOD + "<|diff|>@@ -1,0 +2 @@\n+    r = r + 1\n"
    with Stage(DIFF, Program(()), terminal) as stage:
        for end in range(len(text) + 1):
            stage(REQUEST, text[:end])
    grown = out.getvalue()
    assert "+     r = r + 1" in grown
    assert grown.count("edit 2:") <= len(text) - len(GOOD), "each picture is drawn once, and none above another"
    program = stage.finish(Generated(REQUEST, text, "end", 5, 30, None, {"rejected": {"unclean": 2}}))
    assert program.text == "def area(r):\n    r = r + 1\n    return r * r\n"
    assert "2 unclean edits drawn again" in out.getvalue()
    assert "none of this is an edit" not in out.getvalue()
    stage.finish(Generated(REQUEST, "def area(r):\n    return r * r\n", "end", 5, 30))
    assert "none of this is an edit" in out.getvalue()
