"""Reinforcement learning with TRL: python with_grpo.py MODEL problems.jsonl OUTPUT [STEPS]

Trains a model that writes edits in format `search-replace`, as `make demo-train` makes one, on problems with tests.
What it writes runs in lintseq's sandbox.
"""

import sys

import torch
from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

from lintseq.integrations.rewards import CleanStates, PassedTests

if __name__ == "__main__":
    model, problems, output, *steps = sys.argv[1:]
    data = load_dataset("json", data_files=problems, split="train")
    data = data.map(lambda row: {"prompt": row["instruction"] + "\n<|diff|>"})
    rewards = [PassedTests(share=True, format="search-replace"), CleanStates(format="search-replace")]
    options = GRPOConfig(
        output,
        reward_weights=[1.0, 0.2],
        max_steps=int(steps[0]) if steps else 100,
        learning_rate=3e-4,  # for a model with a million parameters; 1e-6 is usual for a billion
        per_device_train_batch_size=32,
        num_generations=8,
        max_completion_length=256,
        bf16=torch.cuda.is_available(),
        logging_steps=1,
    )
    trainer = GRPOTrainer(model, rewards, options, data)
    trainer.train()
    trainer.save_model()
