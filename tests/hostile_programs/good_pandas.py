# Uses pandas.
# verdict: passed
# task: stdin
# stdout: '[1, 2]\n'
# imports: full
# needs: pandas
import pandas as pd
print(pd.DataFrame({'a': [1, 2, 2]}).groupby('a').size().tolist())
