"""Measures scores that somebody else made: comparison scores, or scores of presentation attack detection.

- `table`: the scores of one system, their labels and groups;
- `files`: CSV, npy and Parquet;
- `comparisons`, `attacks`: the figures of one system;
- `checks`: the scores of checks as such a table;
- `measure`: one run from the scores of several systems.
"""
