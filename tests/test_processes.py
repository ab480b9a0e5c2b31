"""Training in several processes, with a replicated or sharded model: the same as in one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_pretraining import RECIPE
from test_training_examples import records, write
from toys import TEXTS, bare_tokenizer, libraries, toy_model, toy_tokenizer

from lintseq.cli import main

pytestmark = pytest.mark.xdist_group("processes")
libraries()

FINETUNE = """
model = "base"
loss = "sum"
[data]
train = "edits.jsonl"
max_tokens = 256
[match]
by = "none"
epochs = 4
[optim]
lr = 1e-2
[run]
batch = 4
micro_batch = 2
device = "cpu"
save_every = 2
"""
COMMANDS = {
    "finetune": ["finetune", "finetune.toml"],
    "adapters": ["finetune", "finetune.toml", "--set", "lora.rank=4", "--set", "model=knowing"],
    "pretrain": ["pretrain", "pretrain.toml", "--workers", "1"],
}
FSDP = ["--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP"]
LAUNCHERS = {
    "replicated": ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "lintseq"],
    "sharded": [
        *("accelerate.commands.launch", "--num_processes", "2", "--main_process_port", "0"),
        *(*FSDP, str(Path(__file__).with_name("fsdp_on_cpu.py"))),
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the working directory, with recipes and everything they name."""
    monkeypatch.chdir(tmp_path)
    Path("finetune.toml").write_text(FINETUNE)
    Path("pretrain.toml").write_text(RECIPE)
    write(tmp_path / "edits.jsonl", records())
    rows = ({"text": f"# {number}\n{text}"} for number in range(30) for text in TEXTS)
    Path("texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    toy_tokenizer().save_pretrained("tokenizer")
    for name, tokenizer in (("base", bare_tokenizer()), ("knowing", toy_tokenizer())):
        tokenizer.save_pretrained(name)
        toy_model(len(tokenizer)).save_pretrained(name)
    return tmp_path


def start(launcher, command, *options):
    words = [sys.executable, "-m", *LAUNCHERS[launcher], *COMMANDS[command], *options, "--quiet"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    if sys.platform == "linux":
        environment["GLOO_SOCKET_IFNAME"] = "lo"  # the host name may not resolve
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


def run(launcher, command, *options):
    process = start(launcher, command, *options)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def children_of(pid):
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def weights_of(folder):
    from safetensors.torch import load_file

    return load_file(Path(folder, "model.safetensors"))


def counts_of(folder):
    rows = map(json.loads, Path(folder, "log.jsonl").read_text().splitlines())
    return [(row["step"], row["tokens"], row["trained_tokens"]) for row in rows]


def assert_close(first, second):
    import torch

    mine, yours = weights_of(first), weights_of(second)
    assert mine.keys() == yours.keys()
    for name in mine:
        torch.testing.assert_close(mine[name], yours[name], atol=2e-4, rtol=0)
    assert counts_of(first) == counts_of(second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "command"),
    [("replicated", "finetune"), ("replicated", "pretrain"), *(("sharded", command) for command in COMMANDS)],
)
def test_two_processes_train_what_one_does(launcher, command):
    if command == "adapters":
        pytest.importorskip("peft")
    assert main([*COMMANDS[command], "--output", "alone", "--quiet"]) == 0
    run(launcher, command, "--output", "both")
    assert_close("alone", "both")


def until_logged(process, lines):
    log = Path("ended.partial/run/log.jsonl")
    deadline = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) >= lines):
        assert process.poll() is None, "it exited before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def checkpoints():
    return [int(path.parent.name.split("-")[1]) for path in Path("ended.partial/checkpoints").glob("*/complete")]


@pytest.mark.slow
def test_a_killed_sharded_run_continues_from_its_last_checkpoint():
    run("sharded", "finetune", "--output", "uninterrupted")
    process = start("sharded", "finetune", "--output", "ended")
    until_logged(process, 3)
    workers = children_of(process.pid)
    assert len(workers) == 2
    for pid in (process.pid, *workers):  # the launcher first, which would terminate the others
        os.kill(pid, signal.SIGKILL)
    process.communicate()  # wait until no process can write
    assert checkpoints()
    run("sharded", "finetune", "--output", "ended", "--resume")
    assert Path("ended/model.safetensors").read_bytes() == Path("uninterrupted/model.safetensors").read_bytes()


@pytest.mark.slow
def test_replicas_that_are_stopped_end_after_the_same_step(folder):
    process = start("replicated", "pretrain", "--output", "ended", "--set", "steps=400", "--set", "run.save_every=0")
    until_logged(process, 3)
    workers = children_of(process.pid)
    for pid in (*workers, *workers, process.pid):  # from the terminal, from the launcher, and the launcher itself
        os.kill(pid, signal.SIGINT)
        time.sleep(0.005)
    process.communicate(timeout=60)
    (step,) = checkpoints()
    assert 3 <= step < 400
    for name in ("0", "1"):
        assert (folder / f"ended.partial/checkpoints/checkpoint-{step}/rng_state_{name}.pth").exists()
    run("replicated", "pretrain", "--output", "ended", "--set", "steps=400", "--set", "run.save_every=0", "--resume")
    assert [step for step, _, _ in counts_of("ended")] == list(range(1, 401))


def test_a_new_token_of_adapters_is_not_sharded(monkeypatch, capsys):
    pytest.importorskip("peft")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert main(["finetune", "finetune.toml", "--set", "lora.rank=4", "--output", "out"]) == 2
    assert (
        "adapters train the new embedding of <|diff|> separately, which FSDP cannot shard" in capsys.readouterr().err
    )
    assert not list(Path().glob("out*"))
