class Task:
    def run(self):
        print(self)


class Work:
    def __call__(self):
        return self


run = Work()


class Holder:
    run = run

    def start(self):
        return self.run()


def find(tasks):
    for number, task in enumerate(tasks):
        if task:
            return number, task
    return None, None


def start(tasks):
    number, task = find(tasks)
    if not task:
        number = -number
    number = 3
    action = "no action"
    for task in tasks:
        action = task.action
        if action and callable(action):
            action = action()
    return number, action


Holder().start()
start([Task()])
# 1: 2 3 42
# 2: 1 3 42
# 3: 1 2 42
# 6: 4 5 7 8 9 10 11 12 13 14 15 16 17 18 39 40 41
# 7: 4 5 6 8 9 10 11 12 13 14 15 16 17 18 39 40 41
# 8: 4 5 6 7 9 10 11 12 13 14 15 16 17 18 39 40 41
# 11: 9 10 12 13 14 15 16 17 18 39 40 41
# 14: 12 13 15 16 17 18 39 40 41
# 15: 12 13 14 16 17 18 39 40 41
# 17: 16 18 39 40 41
# 18: 16 17 39 40 41
# 21: 19 20 22 23 24 25 29 30 31
# 22: 23 24 30 31
# 23: 22 24 30 31
# 24: 22 23 30 31
# 28: 26 27 29 30 31 32 33 34 35 36 37 38 42
# 29: 30 31
# 30: 31
# 31: 30
# 34: 35 36 37
# 35: 34 36 37
# 36: 37
# 37: 36
# 41: 39 40
