"""lintseq with models in shares (FSDP 2) on processors: `accelerate` shares models out on accelerators alone.

Run by `accelerate launch --use_fsdp`, with the words of a command.
"""

import runpy
from typing import Any

from accelerate import DistributedType, state

usual = state.AcceleratorState.__init__


def init(self: Any, *arguments: Any, fsdp_plugin: Any = None, **named: Any) -> None:
    """Do for processors what is done for GPUs."""
    usual(self, *arguments, fsdp_plugin=fsdp_plugin, **named)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = state.PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin


if __name__ == "__main__":
    state.AcceleratorState.__init__ = init
    runpy.run_module("lintseq", run_name="__main__", alter_sys=True)
