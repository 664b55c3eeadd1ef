"""One page from the runs of several benchmarks, for whoever has to sign for the figures.

- `read`: run files, held to their schema; `words`: rates as an official reads them;
- `summary`, `species`, `nist`, `compare`, `causes`: what is said, each from figures alone;
- `plots`, `gallery`: what is shown; `page`: all of it as one HTML file; `pdf`: the same printed.
"""
