# Uses a database.
# verdict: passed
# task: stdin
# stdout: '45\n'
import sqlite3
c = sqlite3.connect('x.db')
c.execute('create table t (n int)')
c.executemany('insert into t values (?)', [(n,) for n in range(10)])
c.commit()
print(c.execute('select sum(n) from t').fetchone()[0])
