"""Hashes that are the same in every process, on every machine."""

from hashlib import blake2b


def content_id(instruction: str, *versions: str) -> str:
    """Return the id of a row that has none of its own: a hash of its instruction and program, or versions."""
    return blake2b(_encoded(instruction, *versions), digest_size=8).hexdigest()


def stable_hash(*parts: str | int) -> int:
    """Return a hash of `parts` below 2**64, as a source of reproducible randomness."""
    return int.from_bytes(blake2b(_encoded(*parts), digest_size=8).digest())


def _encoded(*parts: str | int) -> bytes:
    return "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
