"""Rewards for reinforcement learning: what they give for completions of all kinds, and what they refuse."""

import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from toys import libraries, toy_model, toy_tokenizer

import lintseq
from lintseq.benchmarks.assertions import runnable_test, split_assertions
from lintseq.codecs import CODECS
from lintseq.errors import ConfigError, ToolError
from lintseq.integrations.rewards import ChangeSize, CleanStates, PassedTests, WellFormedEdits
from lintseq.sandbox import Job, JobResult
from lintseq.sandbox.pool import shared_sandbox

CASES = tomllib.loads((Path(__file__).parent / "cases" / "rewards.toml").read_text(encoding="utf-8"))
TEST = '''
"""A test."""


def check(candidate):
    assert True
    assert candidate(1) == 2
    assert candidate(2) == 3
    try:
        candidate("a")
        assert False
    except TypeError:
        pass
    for x in range(3, 5):
        assert candidate(x) == x + 1
'''
EXAMPLES = Path(__file__).parents[1] / "examples"
LIMITS = lintseq.Limits(seconds=0.3)
CORRECT, WRONG = "def f(x):\n    return x + 1\n", "def f(x):\n    return 2\n"

Rewards = list[float | None]


def rewards_of(reward: Any, completions: list[Any], **columns: Any) -> Rewards:
    """Return the rewards, called as TRL calls a function."""
    return list(
        reward(
            prompts=["Write f(x), please."] * len(completions),
            completions=completions,
            completion_ids=[[1]] * len(completions),
            **{name: [value] * len(completions) for name, value in columns.items()},
            trainer_state=object(),
            log_extra=print,
            log_metric=print,
        )
    )


# Completions of all kinds


def expected(name: str) -> dict[str, float | None]:
    values = {case: text["rewards"].split()[list(REWARDS).index(name)] for case, text in CASES.items()}
    return {case: None if value == "none" else float(value) for case, value in values.items()}


def found(reward: Any, **columns: Any) -> dict[str, float | None]:
    rewards = rewards_of(reward, [case["completion"] for case in CASES.values()], **columns)
    return dict(zip(CASES, rewards, strict=True))


REWARDS: dict[str, Any] = {
    "passed": lambda: PassedTests(limits=LIMITS),
    "share": lambda: PassedTests(share=True, limits=LIMITS),
    "clean": CleanStates,
    "formed": WellFormedEdits,
}


@pytest.mark.parametrize("name", REWARDS)
def test_completions_get_their_rewards(name: str) -> None:
    columns = {"test": TEST, "entry_point": "f"} if name in ("passed", "share") else {}
    assert found(REWARDS[name](), **columns) == expected(name)


@pytest.mark.parametrize("name", REWARDS)
def test_messages_get_the_rewards_of_their_text(name: str) -> None:
    columns = {"test": TEST, "entry_point": "f"} if name in ("passed", "share") else {}
    reward = REWARDS[name]()
    says = {"role": "assistant", "content": CORRECT}
    others = [
        [says],
        [{"content": CORRECT}],
        [{"role": "assistant", "content": WRONG}, {"role": "tool", "content": "3"}, says],
        [says, {"role": "assistant", "content": None, "tool_calls": []}],
    ]
    assert rewards_of(reward, others, **columns) == rewards_of(reward, [CORRECT] * len(others), **columns)
    nothing: list[Any] = [None, [], [{"role": "assistant", "content": None}], [{"role": "user", "content": CORRECT}]]
    assert rewards_of(reward, nothing, **columns) == rewards_of(reward, [""] * len(nothing), **columns)
    assert rewards_of(reward, [], test=TEST) == []


@given(
    st.text() | st.sampled_from([case["completion"] for case in CASES.values()]), st.text(), st.sampled_from([*CODECS])
)
@settings(max_examples=60)
def test_any_text_has_a_reward_in_the_range(text: str, state: str, format: str) -> None:
    for reward, low, high in (
        (CleanStates(format=format), 0, 1),
        (WellFormedEdits(format=format), 0, 1),
        (ChangeSize(format=format), -1, 0),
        (CleanStates(), 0, 1),
        (ChangeSize(format="program"), -1, 0),
    ):
        (value,) = rewards_of(reward, [text], state=state)
        assert value is not None
        assert low <= value <= high
        assert rewards_of(reward, [text], state=state) == [value]


@given(st.text(alphabet="def f(x):\n return+1'\"\\@{[#\ud800\0"), st.booleans())
@settings(max_examples=25)
def test_any_program_has_a_reward_in_the_range(text: str, share: bool) -> None:
    reward = PassedTests(share=share, limits=LIMITS)
    (value,) = rewards_of(reward, [text], test="assert f(1) == 2", state=None)
    assert value in (0.0, 1.0)


# Rows


def test_a_row_without_a_test_that_can_run_has_no_reward() -> None:
    tests: list[Any] = [
        "assert f(1) == 2",
        None,
        "",
        [],
        ["assert f(1) == 2", "assert f(2) == 3"],
        "assert f(",
        "x = 1",
        TEST,
    ]
    names = ["f"] * (len(tests) - 1) + [None]
    rewards = PassedTests()([CORRECT] * len(tests), test=tests, entry_point=names)
    assert rewards == [1.0, None, None, None, 1.0, None, None, None]


def test_completions_may_continue_a_prompt_that_is_code() -> None:
    prompt = 'import math\n\n\ndef f(x):\n    """Return x plus 1."""\n'
    bodies = [
        "    return x + 1\n",
        "    return x\n",
        "def f(x):\n    return math.floor(x) + 1\n",
        f"```python\n{CORRECT}```",
    ]
    rewards = PassedTests()(bodies, prompts=[prompt] * 4, test=[TEST] * 4, entry_point=["f"] * 4)
    assert rewards == [1.0, 0.0, 1.0, 1.0]
    assert PassedTests()([CORRECT], prompts=["hello"], test=[TEST], entry_point=["f"]) == [1.0]


def test_edits_change_the_program_of_the_row() -> None:
    state, edit = "def f(x):\n    return x\n", "@@ -2 +2 @@\n-    return x\n+    return x + 1\n"
    columns = {"test": TEST, "entry_point": "f", "state": state}
    for reward, value in (
        (PassedTests(), 1.0),
        (CleanStates(), 1.0),
        (WellFormedEdits(), 1.0),
        (ChangeSize(lines=4), -0.5),
    ):
        assert rewards_of(reward, [edit], **columns) == [value]
    block = "<<<<<<< SEARCH\n    return x\n=======\n    return x + 1\n>>>>>>> REPLACE\n"
    assert rewards_of(PassedTests(format="search-replace"), [block], **columns) == [1.0]


def test_findings_of_the_first_state_do_not_count() -> None:
    state, edit = "x = y\n", "@@ -1,0 +2 @@\n+z = 1\n<|diff|>@@ -2,0 +3 @@\n+t = u\n"
    assert rewards_of(CleanStates(), [edit], state=state) == [0.5]
    assert rewards_of(CleanStates(linter="compile"), [edit], state=state) == [1.0]


def test_the_size_of_a_change_counts_lines_once_and_only_where_there_is_a_program() -> None:
    there_and_back = "@@ -1,0 +2,2 @@\n+y = 1\n+z = 1\n<|diff|>@@ -3 +2,0 @@\n-z = 1\n"
    completions: list[Any] = [there_and_back, "x = 2\n", "", "x = 1\n", "x = 2\n", "x = 2\ny = 2\n"]
    states = ["x = 1\n"] * 4 + [None, ""]
    assert ChangeSize(lines=10)(completions, state=states) == [-0.1, -0.2, 0.0, 0.0, None, -0.2]
    assert ChangeSize(lines=1)(["a = 1\nb = 1\n"], state=[""]) == [-1.0]


def test_a_state_on_which_the_linter_breaks_has_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str) -> Any:
        raise ToolError("it broke")

    reward = CleanStates()
    monkeypatch.setattr(reward, "check", fail)
    assert rewards_of(reward, [CORRECT]) == [None]


def test_a_program_on_which_the_sandbox_fails_has_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    reward = PassedTests()
    monkeypatch.setattr(
        "lintseq.integrations.rewards.run_jobs", lambda jobs, _: [JobResult("sandbox-error") for _ in jobs]
    )
    assert rewards_of(reward, [CORRECT, WRONG], test=TEST, entry_point="f") == [None, None]


def test_equal_programs_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Job] = []

    def run(jobs: list[Job], sandbox: Any) -> list[JobResult]:
        ran.extend(jobs)
        return list(sandbox.run(jobs))

    monkeypatch.setattr("lintseq.integrations.rewards.run_jobs", run)
    completions = [CORRECT, WRONG, f"{CORRECT}<|endoftext|>", CORRECT]
    for share in (False, True):
        rewards = rewards_of(PassedTests(share=share), completions, test=TEST, entry_point="f")
        assert rewards == [1.0, 0.25 * share, 1.0, 1.0]
    assert len(ran) == 4


# What is refused


MISTAKES: list[tuple[str, Any]] = [
    ("no column 'test' (columns: tests); name it with test=...", lambda: PassedTests()([""], tests=[TEST])),
    (
        "no column 'name' (columns: test, entry_point); name it with entry_point=...",
        lambda: PassedTests(entry_point="name")([""], test=[TEST], entry_point=["f"]),
    ),
    (
        "no column 'entry_point' (columns: test, function); name it with entry_point=...",
        lambda: PassedTests()([""], prompts=[""], test=[TEST], function=["f"]),
    ),
    ("no column 'state' (columns: old)", lambda: ChangeSize()([""], old=["x = 1"])),
    ("no column 'old' (columns: none)", lambda: CleanStates(state="old")([""], trainer_state=None)),
    ("column 'test' holds an object, where text was expected", lambda: PassedTests()([""], test=[{"input": "1"}])),
    ("column 'test' holds an array, where text was expected", lambda: PassedTests()([""], test=[[{"input": "1"}]])),
    ("column 'state' holds a number", lambda: WellFormedEdits()([""], state=[1])),
    ("there is no level 'strong'", lambda: PassedTests(level="strong")),  # type: ignore[arg-type]
    ("unknown linter 'none'", lambda: CleanStates(linter="none")),
    ("unknown format 'patch'", lambda: WellFormedEdits(format="patch")),
    ("lines is 0, but must be at least 1", lambda: ChangeSize(lines=0)),
]


@pytest.mark.parametrize(("message", "mistake"), MISTAKES, ids=[message for message, _ in MISTAKES])
def test_a_mistake_is_one_clear_error(message: str, mistake: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        mistake()


def test_a_level_that_is_not_available_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    from lintseq.sandbox import pool

    def refuse(*_: Any) -> Any:
        raise lintseq.IsolationError("no namespaces")

    monkeypatch.setattr(pool, "_shared", {})
    monkeypatch.setattr(pool.Sandbox, "_start", refuse)
    with pytest.raises(ConfigError, match="programs cannot be isolated on this machine"):
        PassedTests()


# Their process


def test_rewards_of_several_threads_and_of_a_copy_are_the_same() -> None:
    reward = pickle.loads(pickle.dumps(PassedTests()))
    rewards: list[Rewards] = []

    def call() -> None:
        rewards.append(rewards_of(reward, [CORRECT, WRONG], test=TEST, entry_point="f"))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rewards == [[1.0, 0.0]] * 4
    assert PassedTests().level == "auto"
    assert shared_sandbox("auto") is shared_sandbox("auto")


ALONE = """
import sys
from lintseq.integrations.rewards import PassedTests
assert not {"torch", "trl", "transformers", "datasets", "numpy"} & set(sys.modules)
print(PassedTests()(["x = 1"], test=["assert x == 1"]))
"""


def test_they_need_no_trainer_and_leave_no_process_behind() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("[1.0]\n", "")


def test_programs_that_forge_a_pass_get_no_reward() -> None:
    folder = Path(__file__).parent
    command = [sys.executable, folder / "jail.py", sys.executable, folder / "hostile_rewards.py", "forge", "exit"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip(f"hostile programs run only in a jail; {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    count, rewarded = json.loads(done.stdout)
    assert count >= 40
    assert rewarded == []


# Assertions of tests


SPLIT = {
    "assert f(1)\nx = 2\nassert f(x)\n": 2,
    f"{TEST}\ncheck(f)\n": 4,
    "from math import *\nassert f(1)\n": None,
    "x = 1\n": None,
    "assert True\n": None,
    "assert False\n": 1,
    "assert f(": None,
    "": None,
}


@pytest.mark.parametrize("code", SPLIT)
def test_a_test_has_so_many_assertions(code: str) -> None:
    found = split_assertions(code)
    assert (found and found.count) == SPLIT[code]


def test_only_what_tests_something_runs() -> None:
    assert runnable_test("assert f(1)", "f") == "assert f(1)"
    assert runnable_test(TEST, "f") == f"{TEST}\ncheck(f)\n"
    assert runnable_test(f"{TEST}\ncheck(f)\n", "f") == f"{TEST}\ncheck(f)\n"
    assert runnable_test(TEST) == ""
    assert runnable_test("def test_f():\n    assert f(1)\n", "f") == ""


@pytest.mark.parametrize("share", [False, True])
def test_a_reference_solution_gets_the_full_reward(share: bool) -> None:
    problems = EXAMPLES / "nano" / "problems.jsonl"
    rows = [json.loads(line) for line in problems.read_text(encoding="utf-8").splitlines()[:12]]
    columns = {name: [row[name] for row in rows] for name in ("test", "entry_point")}
    programs = [row["prompt"] + row["canonical_solution"] for row in rows]
    assert PassedTests(share=share)(programs, **columns) == [1.0] * 12


# TRL


@pytest.mark.slow
def test_the_example_trains_with_trl(tmp_path: Path) -> None:
    libraries()
    pytest.importorskip("trl", reason="needs the extra: pip install 'lintseq[trl]'")
    toy_model().save_pretrained(tmp_path / "model")
    toy_tokenizer().save_pretrained(tmp_path / "model")
    command = [
        sys.executable,
        EXAMPLES / "with_grpo.py",
        "model",
        EXAMPLES / "nano" / "problems.jsonl",
        "trained",
        "2",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    logs = re.findall(r"'rewards/(\w+)/mean': '([\d.e-]+)'", done.stdout + done.stderr)
    assert [name for name, _ in logs] == ["share_of_passed_tests", "clean_states"] * 2
    assert all(0 <= float(value) <= 1 for _, value in logs)
    assert (tmp_path / "trained" / "model.safetensors").stat().st_size > 10_000
