"""Language models: recipes, tokenizers, corpora, pretraining, finetuning, generation.

The only package that imports torch, an extra, in the functions that need it.
"""
