class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        self.log = []

    def deposit(self, amount):
        self.balance += amount
        self.record("deposit", amount)

    def record(self, kind, amount):
        self.log.append((kind, amount))

    def report(self):
        for kind, amount in self.log:
            print(self.owner, kind, amount)
        return self.balance


account = Account("Ada")
account.deposit(10)
print(account.report())
