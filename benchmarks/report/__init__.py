"""Writes one page from the runs of several benchmarks, for the people who are responsible for the figures.

- `read`: run files, validated by their schema; `words`: rates in words;
- `summary`, `species`, `nist`, `iso19795`, `side_by_side`, `compare`, `causes`: statements, each from figures alone;
- `plots`, `gallery`: pictures; `page`: everything as one HTML file; `pdf`: the page as PDF.
"""
