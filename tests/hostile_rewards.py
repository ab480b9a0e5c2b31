"""Gives rewards to the hostile programs whose names begin with a word: `python tests/hostile_rewards.py forge exit`.

Start it only inside a jail (`tests/jail.py`); it checks that first. Prints, as JSON, how many there are, and which get
a reward although they do not pass without tricks.
"""

import json
import sys

from hostile import read_programs, root_options

from lintseq.integrations.rewards import PassedTests
from lintseq.sandbox import Limits, RunCheck

if __name__ == "__main__":
    if "rw" in root_options():
        sys.exit("this runs hostile programs, and the root is writable: start it with tests/jail.py")
    programs = [program for program in read_programs([]) if program.name.startswith(tuple(sys.argv[1:]))]
    jobs = {program.name: program.job for program in programs if isinstance(program.job.task, RunCheck)}
    honest = {program.name for program in programs if program.head["verdict"] == "passed"}
    rewarded = set()
    for share in (False, True):
        reward = PassedTests(share=share, format="program", limits=Limits(seconds=2.0))
        rewards = reward([job.program for job in jobs.values()], test=[job.task.code for job in jobs.values()])
        rewarded |= {name for name, value in zip(jobs, rewards, strict=True) if value == 1}
    json.dump([len(jobs), sorted(rewarded - honest)], sys.stdout)
