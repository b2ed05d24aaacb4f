"""Starts of `inboxd run` without the four seconds of loading the model: a parent that has loaded it forks one real process each.

Commands come by standard input, one a line: `<log file>\t<settings>\t<INBOXD_CRASH_AT or nothing>`; the process id is the answer.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Load rules and model once, then fork for each line."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from inboxd.bootstrap import CRASH_AT
    from inboxd.cli import app
    from inboxd.rule_sets import rule_set

    rule_set(Path(sys.argv[1]), None)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are collected at once
    for line in sys.stdin:
        log, config, crash = line.rstrip("\n").split("\t")
        child = os.fork()
        if child:
            print(child, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        if crash:
            os.environ[CRASH_AT] = crash
        code = 70
        try:
            app(["run", "--config", config], standalone_mode=True)
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.stdout.flush()
            os._exit(code)


if __name__ == "__main__":
    main()
