import os

import torch

torch.train(
    "a",
    lr=1,
    steps=(
        2
    ),
    optimizer=torch.Adam(
        beta=3,
    ),
)
os.walk(
    top=".",
)
# 1: 15 16 17
# 3: 2 4 5 6 7 8 9 10 11 12 13 14
# 5: 4 6 7 8 9 10 11 12 13 14
# 11: 12 13
# 15: 16 17
