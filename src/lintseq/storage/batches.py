"""Consecutive items in batches of a bounded number and size."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batched(
    items: Iterable[T],
    count: int | Callable[[], int],
    *,
    max_bytes: int | None = None,
    size: Callable[[T], int] = lambda _: 0,
    key: Callable[[T], object] = lambda _: None,
) -> Iterator[list[T]]:
    """Yield the items in lists of up to `count`, which may be a function that is called after each item.

    A batch ends earlier when its items have `max_bytes` or more by `size`, and before an item whose `key` differs. If
    reading the items raises an exception, those read before come first.
    """
    batch: list[T] = []
    total = 0
    current: object = None
    try:
        for item in items:
            item_key = key(item)
            if batch and item_key != current:
                yield batch
                batch, total = [], 0
            current = item_key
            batch.append(item)
            total += size(item)
            if len(batch) >= (count if isinstance(count, int) else count()) or (
                max_bytes is not None and total >= max_bytes
            ):
                yield batch
                batch, total = [], 0
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
