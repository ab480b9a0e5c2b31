"""Reinforcement learning with TRL: python with_grpo.py MODEL problems.jsonl OUTPUT [STEPS]

Trains a model that writes edits in format `search-replace`, as `make demo-train` makes one, on problems with tests.
What it writes runs in the sandbox.
"""

import sys

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

from lintseq.integrations.rewards import CleanStates, PassedTests, WellFormedEdits

FORMAT = "search-replace"

if __name__ == "__main__":
    model, problems, output, *steps = sys.argv[1:]
    data = load_dataset("json", data_files=problems, split="train")
    data = data.map(lambda row: {"prompt": row["instruction"] + "\n<|diff|>"})
    rewards = [PassedTests(share=True, format=FORMAT), CleanStates(format=FORMAT), WellFormedEdits(format=FORMAT)]
    options = GRPOConfig(
        output,
        reward_weights=[1.0, 0.1, 0.1],
        max_steps=int(steps[0]) if steps else 100,
        learning_rate=1e-5,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=400,
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=1,
        report_to="none",
    )
    trainer = GRPOTrainer(model, rewards, options, data)
    trainer.train()
    trainer.save_model()
