"""Language models: recipes, tokenizers, corpora, pretraining, finetuning, generation.

The only place that meets torch, which is an extra and is imported where it is used.
"""
