"""Reading mail with spaCy. One thread of linear algebra: one mail at a time needs no more, and sums come out the same everywhere."""

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before numpy is loaded
    os.environ.setdefault(_threads, "1")
