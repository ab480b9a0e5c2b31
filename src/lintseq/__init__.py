"""Turn programs into exact, linter-clean edit sequences for training code models."""

__version__ = "0.1.0"
