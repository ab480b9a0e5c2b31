"""Training speed of the nano model by the number of threads, and by how threads wait for each other.

Each row trains for a few seconds in a process of its own, beside processes that keep a processor busy each. On a
machine that is busy with other work, rows are comparable only roughly.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from typing import Any

from common import Report, Table, arguments, note

TRAIN = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM, Olmo2Config
threads, seconds = int(sys.argv[1]), float(sys.argv[2])
torch.set_num_threads(threads)
config = Olmo2Config(vocab_size=1024, hidden_size=128, intermediate_size=384, num_hidden_layers=4,
                     num_attention_heads=4, max_position_embeddings=512, tie_word_embeddings=True,
                     pad_token_id=1, eos_token_id=0)
model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
optimizer, rows = torch.optim.AdamW(model.parameters(), lr=1e-3), torch.randint(5, 1024, (8, 256))
def step():
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=rows, labels=rows, use_cache=False).loss
    loss.backward(); optimizer.step(); optimizer.zero_grad()
step()
started, running, steps = time.perf_counter(), time.thread_time(), 0
while time.perf_counter() - started < seconds:
    step(); steps += 1
wall = time.perf_counter() - started
print(json.dumps([steps * rows.numel() / wall, (time.thread_time() - running) / wall]))
"""
WAITS = {"as lintseq: GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"}, "default of PyTorch": {}}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="training time of a row (default: 5)")
    parser.add_argument("--busy", default="0,1,2", help="numbers of busy processes (default: 0,1,2)")
    options = parser.parse_args()
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    rows: list[list[object]] = []
    for busy in map(int, options.busy.split(",")):
        others = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(busy)]
        for other in others:
            other.start()
        for threads, wait in [(1, ""), *((cores, wait) for wait in WAITS)]:
            speed, share = measured(threads, options.seconds, WAITS.get(wait, {}))
            rows.append([busy, threads, wait or "–", f"{speed:,.0f}", f"{share:.2f}"])
            note(f"{busy} busy, {threads} threads, {wait}: {speed:,.0f} tokens/s")
        for other in others:
            other.terminate()
    report = Report("threads", "Threads of training on a CPU")
    report.notes.append(f"Load average before: {load:.1f}, at the end: {os.getloadavg()[0]:.1f}.")
    columns = ["busy processes", "threads", "waiting threads", "tokens/s", "main thread ran"]
    report.tables.append(Table("Training of the nano model", columns, rows))
    report.numbers = {"rows": rows}
    report.publish(options.results)


def keep_busy() -> None:
    while True:
        pass


def measured(threads: int, seconds: float, environment: dict[str, str]) -> Any:
    """Return tokens per second, and the share of the time for which the main thread ran."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    words = [sys.executable, "-c", TRAIN, str(threads), str(seconds)]
    done = subprocess.run(words, env=inherited | environment, capture_output=True, text=True, check=True)
    time.sleep(0.5)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
