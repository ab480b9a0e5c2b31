"""Servers: what misbehaves is asked again or reported, and nothing changes the completions."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.cli import main
from lintseq.codecs import DIFF
from lintseq.errors import ConfigError, LintseqError, ToolError
from lintseq.evaluation.cost import ModelShape
from lintseq.lm.backends.backend import GenerationRequest, SamplingParameters
from lintseq.lm.backends.openai import OpenAIBackend
from lintseq.lm.backends.server import OPTIONAL_PARAMETERS, ServerClient
from lintseq.lm.generation import CompletionOptions, TaskPrompt, complete, requests_of
from lintseq.lm.linted import DecodingOptions, edit_filters

pytest.importorskip("openai", reason="the extra openai is not installed")

ROOT = Path(__file__).parents[1]
EXAMPLES = str(ROOT / "examples" / "problems.jsonl")
CASES = tomllib.loads((ROOT / "tests" / "cases" / "servers.toml").read_text())["case"]
GOOD = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return r * r\n"
REQUEST = GenerationRequest("t", 0, "x", 0)
FILTERS = edit_filters(DecodingOptions(linted=True, tries=2), SamplingParameters(), "diff")
SHAPE = ModelShape(2, 8, 2, 2, 4, 16, True, 100)


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's `replies` say, then with its `answer`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        models: Any = self.server.models  # type: ignore[attr-defined]
        if models is None:
            return self.reply(404, {"error": "not found"})
        return self.reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server: Any = self.server
        with server.lock:
            server.seen.append((self.path, body))
            reply = {"body": server.answer(body), **(server.replies[0] if server.replies else {})}
            del server.replies[: not server.always]
        if server.barrier is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                server.barrier.wait(0.2)
        if (rejection := server.rejection(body)) is not None:
            return self.reply(422, {"detail": rejection})
        if reply.get("hang"):
            server.patience.wait(reply["hang"])
        if reply.get("dies"):
            server.socket.close()
        if reply.get("close") or server.socket.fileno() < 0:
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        return self.reply(reply.get("status", 200), reply["body"], reply.get("headers", {}))

    def reply(self, status: int, content: Any, headers: Any = ()) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        with contextlib.suppress(ConnectionError):  # the client timed out
            self.send_response(status)
            for name, value in {"content-type": "application/json", **dict(headers)}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def answer_of(text: str, **more: Any) -> dict[str, Any]:
    return {
        "choices": [{"text": text, "finish_reason": "stop", **more}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    }


class FakeServer(ThreadingHTTPServer):
    """A server on the loopback interface whose behavior is set by its attributes."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.replies: list[Any] = []
        self.always = False
        self.seen: list[tuple[str, Any]] = []
        self.models: list[str] | None = None
        self.lock = threading.Lock()
        self.patience = threading.Event()
        self.barrier: threading.Barrier | None = None
        self.answer: Any = lambda body: answer_of(GOOD)
        self.rejection: Any = lambda body: None
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(port: int = 0) -> Iterator[FakeServer]:
    server = FakeServer(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.patience.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running() as server:
        yield server


def backend(
    server: FakeServer, *, concurrency: int = 2, shape: ModelShape | None = None, **more: Any
) -> OpenAIBackend:
    client = ServerClient(server.url, "m", **{"tries": 3, "first_pause": 0.01, "timeout": 5, **more})
    return OpenAIBackend(client, concurrency=concurrency, shape=shape)


# Failures


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["claim"])
def test_failures(server, case):
    server.replies, server.always, server.models = list(case["replies"]), case.get("always", False), case.get("models")
    notices: list[str] = []
    made = backend(server, timeout=0.3, on_notice=notices.append)
    started = time.monotonic()
    if "error" in case:
        with pytest.raises(LintseqError) as caught:
            list(made.generate([REQUEST], SamplingParameters()))
        assert case["error"] in str(caught.value)
        assert isinstance(caught.value, ToolError) == ("--resume" in case["error"] or "tries" in case["error"])
    else:
        (done,) = made.generate([REQUEST], SamplingParameters())
        assert (done.text, done.finish, done.prompt_tokens, done.completion_tokens) == (GOOD, "end", 5, 7)
    assert time.monotonic() - started < 2
    assert len(server.seen) == case.get("requests", len(server.seen))
    if "notices" in case:
        assert len(notices) == len(case["notices"])
        assert all(part in notice for part, notice in zip(case["notices"], notices, strict=True))
    assert ("had no completion" in " ".join(made.warnings())) == ("no completion:" in " ".join([*notices, ""]))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/v1", "cannot connect to .* start the server, wait until it is ready, or correct"),
        ("localhost:8000/v1", "write the whole address, such as http://"),
    ],
)
def test_a_server_that_cannot_be_reached_is_reported_at_once(url, message):
    with pytest.raises(ConfigError, match=message):
        list(OpenAIBackend(ServerClient(url, "m")).generate([REQUEST] * 9, SamplingParameters()))


def test_requests_in_flight_that_fail_together_are_announced_once(server):
    server.replies = [{"status": 503, "body": "busy"}] * 8
    server.barrier = threading.Barrier(8)
    notices: list[str] = []
    made = backend(server, concurrency=8, first_pause=0.5, on_notice=notices.append)
    assert len(list(made.generate([REQUEST] * 8, SamplingParameters()))) == 8
    assert len(notices) == 1


def test_an_error_ends_the_run_while_other_requests_wait(server):
    server.replies = [{"hang": 30}, {"status": 401}]
    started, before = time.monotonic(), set(threading.enumerate())
    with pytest.raises(ConfigError, match="401"):
        list(backend(server).generate([REQUEST] * 2, SamplingParameters()))
    assert time.monotonic() - started < 3
    assert all(thread.daemon for thread in set(threading.enumerate()) - before), "the process does not wait for them"


@pytest.mark.slow
def test_ctrl_c_ends_the_process_while_requests_wait(server, tmp_path):
    server.replies = [{"hang": 60}] * 4
    command = ["complete", "-m", "m", "--backend", "openai", "--url", server.url, "-b", EXAMPLES, "--batch", "4"]
    command += ["--prompts", "edits", "-o", str(tmp_path / "c.jsonl")]
    process = subprocess.Popen([sys.executable, "-m", "lintseq", *command], stderr=subprocess.PIPE, text=True)
    while len(server.seen) < 4:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "continue with --resume" in errors) == (130, True)


def test_a_run_whose_server_dies_resumes_to_the_same_file(tmp_path):
    port, options = free_port(), CompletionOptions(prompts="edits", n=2)
    output, whole = tmp_path / "c.jsonl", tmp_path / "whole.jsonl"

    def answer(body: Any) -> Any:
        return answer_of(f"{body['prompt']} {body['seed']}")

    with running(port) as server:
        server.answer = answer
        complete(backend(server), EXAMPLES, whole, options)
    with running(port) as server:
        server.answer = answer
        server.replies = [{}] * 5 + [{"dies": True}]
        with pytest.raises(ToolError, match=r"in 3 tries: ConnectError.*continue with --resume"):
            complete(backend(server), EXAMPLES, output, options)
    saved = (tmp_path / "c.jsonl.partial" / "rows.jsonl").read_text().splitlines()
    assert 0 < len(saved) < 24
    with pytest.raises(ConfigError, match="cannot connect to"):
        complete(backend(server, concurrency=1), EXAMPLES, output, options, resume=True)
    with running(port) as server:
        server.answer = answer
        complete(backend(server), EXAMPLES, output, options, resume=True)
        assert len(server.seen) == 24 - len(saved)
    assert output.read_bytes() == whole.read_bytes()


# Requests


def test_every_request_is_answered_once_with_its_own_seed(server):
    server.answer = lambda body: answer_of(f"{body['prompt']} {body['seed']}")
    requests = requests_of([TaskPrompt("a", "x"), TaskPrompt("b", "y")], n=20, seed=0)
    done = list(backend(server, shape=SHAPE).generate(requests, SamplingParameters(top_p=0.9, min_p=0.1, top_k=3)))
    assert sorted(completion.text for completion in done) == sorted(
        f"{request.prompt} {request.seed % 2**31}" for request in requests
    )
    assert {completion.flops for completion in done} == {SHAPE.forward(5) + SHAPE.completion(7, prompt=5)}
    path, body = server.seen[0]
    assert path == "/v1/completions"
    assert (body["top_p"], body["min_p"], body["top_k"], body["min_tokens"]) == (0.9, 0.1, 3, 8)
    assert body["skip_special_tokens"] is False


def test_conversations_are_sent_as_chat_completions(server):
    server.answer = lambda body: {"choices": [{"message": {"content": GOOD}, "finish_reason": "length"}]}
    request = GenerationRequest("t", 0, [{"role": "user", "content": "hello"}], 0)
    (done,) = backend(server).generate([request], SamplingParameters())
    assert (server.seen[0][0], done.text, done.finish) == ("/v1/chat/completions", GOOD, "length")


@settings(max_examples=15, deadline=None)
@given(
    refused=st.sets(st.sampled_from(sorted(OPTIONAL_PARAMETERS))),
    naming=st.sampled_from(["all", "first", "none"]),
    concurrency=st.integers(1, 6),
    count=st.integers(1, 8),
)
def test_whatever_a_server_refuses_the_completions_are_the_same(refused, naming, concurrency, count):
    def reject(body: dict[str, Any]) -> str | None:
        names = sorted(refused & body.keys())
        detail = {"all": f"Unexpected fields: {names}", "first": f"Unexpected field: {names[:1]}", "none": "no"}
        return detail[naming] if names else None

    with running() as server:
        server.answer = lambda body: answer_of(f"{body['prompt']} {body['temperature']}")
        server.rejection, server.barrier = reject, threading.Barrier(min(concurrency, count))
        requests = [GenerationRequest("t", index, f"p{index}", index) for index in range(count)]
        made = backend(server, concurrency=concurrency)
        done = list(made.generate(requests, SamplingParameters()))
        assert sorted(completion.text for completion in done) == [f"p{index} 1.0" for index in range(count)]
        accepted = [body.keys() & OPTIONAL_PARAMETERS for _, body in server.seen if reject(body) is None]
        assert len(accepted) == count
        assert all(names == accepted[0] for names in accepted), "all completions are drawn with the same parameters"
        assert made.client.dropped >= refused
        assert naming == "none" or made.client.dropped == refused
        assert all(any(name in warning for warning in made.warnings()) for name in refused)


def test_a_rejected_parameter_that_is_not_optional_ends_the_run(server):
    server.rejection = lambda body: "Unexpected fields: ['min_p', 'skip_special_tokens']" if "min_p" in body else None
    with pytest.raises(ConfigError, match="min_p"):
        list(backend(server).generate([REQUEST], SamplingParameters(min_p=0.1)))


def test_stripped_separators_are_reported(server):
    server.answer = lambda body: answer_of("@@ -0,0 +1 @@\n+a = 1\n@@ -1,0 +2 @@\n+b = 1\n")
    made = backend(server)
    list(made.generate([REQUEST] * 3, SamplingParameters()))
    assert "seems to strip" in " ".join(made.warnings())


def test_a_server_generates_edit_by_edit_and_bad_edits_again(server):
    bad = "@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi\n"
    more = "@@ -1,0 +2 @@\n+    r = r + 1\n"
    server.replies = [
        {"body": answer_of(bad, stop_reason="<|diff|>")},
        {"body": answer_of(GOOD, stop_reason="<|diff|>")},
        {"body": answer_of(more, stop_reason=None)},
    ]
    request = GenerationRequest("t", 0, "do it\n<|diff|>", 3)
    (done,) = backend(server, shape=SHAPE).generate([request], SamplingParameters(), edit_filters=FILTERS)
    assert done.text == GOOD + "<|diff|>" + more
    assert DIFF.read(done.text).program.text == "def area(r):\n    r = r + 1\n    return r * r\n"
    assert (done.finish, done.completion_tokens, done.more["thrown_tokens"]) == ("end", 21, 7)
    prompts = [body["prompt"] for _, body in server.seen]
    assert prompts == ["do it\n<|diff|>", "do it\n<|diff|>", f"do it\n<|diff|>{GOOD}<|diff|>"]
    assert len({body["seed"] for _, body in server.seen}) == 3
    assert all(body["stop"] == ["<|diff|>"] for _, body in server.seen)


def test_a_server_that_does_not_report_why_it_stopped_cannot_generate_edit_by_edit(server):
    with pytest.raises(ConfigError, match="does not report whether it stopped"):
        list(backend(server).generate([REQUEST], SamplingParameters(), edit_filters=FILTERS))


def test_the_command_completes_with_a_server_and_resumes(server, tmp_path, capsys):
    command = ["complete", "--model", "m", "--backend", "openai", "--url", server.url, "--benchmark", EXAMPLES]
    command += ["--prompts", "edits", "--n", "2", "--output", str(tmp_path / "c.jsonl"), "--quiet"]
    server.replies = [{"status": 429, "headers": {"retry-after": "0.01"}}]
    assert main([*command, "--temperature", "0.5,1", "--json"]) == 0
    tallies = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in tallies] == ["c.t0.5.jsonl", "c.t1.jsonl"]
    assert {tally["done"] for tally in tallies.values()} == {24}
    assert main(["evaluate", str(tmp_path / "c.t1.jsonl"), "--benchmark", EXAMPLES, "--linter", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["completions"] == 24
    assert main([*command, "--temperature", "0.5,1"]) == 2
    assert "--resume" in capsys.readouterr().err
    requests = len(server.seen)
    assert main([*command, "--temperature", "0.5,1", "--resume"]) == 0
    assert len(server.seen) == requests
    assert main([*command, "--temperature", "0.5,1", "--resume", "--problems", "example/m*"]) == 2
    assert "chosen was" in capsys.readouterr().err
    command[command.index("--output") + 1] = str(tmp_path / "some.jsonl")
    assert main([*command, "--problems", "example/merge-intervals"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [row["task_id"] for row in rows] == ["example/merge-intervals"] * 2
    assert json.loads((tmp_path / "some.manifest.json").read_text())["settings"]["chosen"]["problems"] == 1
