"""Scores of inspect_ai for completions in a file: python with_inspect.py completions.jsonl problems.jsonl

A mock model gives the completions in place of a real one, such as `--model lintseq/FOLDER` on inspect's command line.
"""

import json
import sys

import inspect_ai
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from lintseq import ProblemListOptions, list_problems

if __name__ == "__main__":
    completions, problems = sys.argv[1:]
    rows = list_problems(problems, ProblemListOptions(prompts="messages"))
    texts = {row["task_id"]: row["messages"][0]["content"] for row in rows}
    waiting = {text: [] for text in texts.values()}
    with open(completions, encoding="utf-8") as file:
        for row in map(json.loads, file):
            waiting[texts[row["task_id"]]].append(row["completion"])

    def answer(messages, *_):
        output = ModelOutput.from_content("mockllm/model", waiting[messages[-1].text].pop())
        output.usage = ModelUsage()  # counting tokens would need the network
        return output

    (log,) = inspect_ai.eval(
        "lintseq/problems",
        task_args={"benchmark": problems, "format": "diff"},
        model=get_model("mockllm/model", custom_outputs=answer),
        epochs=inspect_ai.Epochs(5, ["pass_at_1", "pass_at_5"]),
        display="none",
    )
    for score in log.results.scores:
        print(score.reducer, round(score.metrics["accuracy"].value, 3))
