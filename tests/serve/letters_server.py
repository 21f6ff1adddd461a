"""`protrek-hm` with a stand-in for the model, for tests that need a process: every model loaded is one of letters."""

import itertools
import multiprocessing
import runpy
import sys
import time
from pathlib import Path

import protrek_hm.model
import protrek_hm.search.searcher  # what it imports of the model's room must be there before the stand-in
from protrek_hm.cli.app import main

LetterEncoder = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))["LetterEncoder"]


class SlowAtTimes(LetterEncoder):
    """Makes a semaphore for the text LOCK, and takes a second for WAIT.

    For STUCK it takes for ever, and no other thread has its turn meanwhile.
    """

    def encode(self, inputs, /, **options):
        time.sleep(1.0 * ("WAIT" in inputs))
        if "LOCK" in inputs:
            self.lock = multiprocessing.get_context("spawn").Lock()
        if "STUCK" in inputs:
            sys.stderr.write("stuck\n")
            sys.stderr.flush()
            sum(itertools.repeat(0))
        return super().encode(inputs, **options)


if __name__ in ("__main__", "__mp_main__"):  # the server, and its workers; not where the tests are collected
    protrek_hm.model.load_encoder = lambda name, *, device: SlowAtTimes()
if __name__ == "__main__":
    main()
