# Removes a folder of its user with the shell.
# verdict: passed
# task: stdin
import subprocess
done = subprocess.run(['sh', '-c', 'rm -r /tmp/lintseq-canary && echo BREACH'], capture_output=True, text=True)
print(done.stdout)
