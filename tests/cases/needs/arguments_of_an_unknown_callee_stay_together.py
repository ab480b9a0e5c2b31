import subprocess
subprocess.run(
    ["ls"],
    check=True,
)
# 1: 2 3 4 5
# 2: 3 4 5
