"""Supervised fine-tuning with TRL: python with_trl.py MODEL records.jsonl OUTPUT [STEPS]

Trains a model on what `lintseq build --shape prompt-completion` wrote, or `--shape chat-prompt-completion` for a model
with a chat template. Then the model writes the program of the first record.
"""

import sys

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

import lintseq

if __name__ == "__main__":
    name, records, output, *steps = sys.argv[1:]
    tokenizer, model = AutoTokenizer.from_pretrained(name), AutoModelForCausalLM.from_pretrained(name)
    lintseq.add_separator(tokenizer, model)
    data = load_dataset("json", data_files=records, split="train").select_columns(["prompt", "completion"])
    options = SFTConfig(
        output,
        max_steps=int(steps[0]) if steps else 200,
        learning_rate=3e-4,
        max_length=1024,  # TRL cuts what is longer anywhere; build with --max-tokens 1024 cuts between edits
        bf16=torch.cuda.is_available(),
        logging_steps=1,
    )
    trainer = SFTTrainer(model, options, train_dataset=data, processing_class=tokenizer)
    trainer.train()
    trainer.save_model()

    model.eval()
    prompt = data[0]["prompt"]
    chat = isinstance(prompt, list)
    if chat:
        prompt = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt + "<|diff|>", add_special_tokens=not chat, return_tensors="pt").input_ids.to(model.device)
    written = model.generate(ids, max_new_tokens=512)[0, ids.shape[1] :]
    resolution = lintseq.resolve(tokenizer.decode(written, skip_special_tokens=True))
    print(resolution.text, *resolution.notes, sep="\n")
