"""lintseq with models sharded by FSDP 2 on CPUs, where `accelerate` does not enable it.

Run by `accelerate launch --use_fsdp`, with the arguments of a command.
"""

import runpy
from typing import Any

from accelerate import DistributedType, state

original = state.AcceleratorState.__init__


def init(self: Any, *arguments: Any, fsdp_plugin: Any = None, **kwargs: Any) -> None:
    """Enable FSDP on CPUs as on GPUs."""
    original(self, *arguments, fsdp_plugin=fsdp_plugin, **kwargs)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = state.PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin


if __name__ == "__main__":
    state.AcceleratorState.__init__ = init
    runpy.run_module("lintseq", run_name="__main__", alter_sys=True)
