"""What one command costs until it answers: processor time of search, describe and score, against what it was before.

    OMP_NUM_THREADS=1 python benchmarks/startup.py [--repeats 3]

On the bundled proteins with the packaged model. Before, a model was loaded by sentence-transformers: *full* is the same
command made to load `ProTrek`, *light* the command as it is, *torch* the import of torch, below which none can go.
The ways alternate, each in a process of its own; printed are medians, and full ÷ light.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from protrek_hm.data.showcase import load_showcase

LIGHT = "import sys; from protrek_hm.cli.app import main; sys.argv[0] = 'protrek-hm'; main()"
FULL = f"import protrek_hm.model.light as light; light._load = lambda place: None; {LIGHT}"


def measure(code: str, *arguments: str) -> float:
    """Return the processor time of a process, in seconds."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, env=compiled)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Build the index, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        table, index = Path(folder, "proteins.tsv"), str(Path(folder, "index"))
        proteins = load_showcase()
        proteins.write_csv(table, separator="\t")
        measure(LIGHT, "index", "build", str(table), "-o", index, "-m", "mini")
        protein = proteins["sequence"][0]
        commands = {
            "search": ("search", index, "carbonic anhydrase"),
            "describe": ("describe", index, protein),
            "score": ("score", "carbonic anhydrase", protein, "-m", "mini"),
        }
        for name, arguments in commands.items():
            ways = {"full": (FULL, *arguments), "light": (LIGHT, *arguments), "torch": ("import torch",)}
            for way in ways.values():
                measure(*way)  # so that all is compiled, and in memory
            times = {way: [] for way in ways}
            for _ in range(repeats):
                for way, command in ways.items():
                    times[way].append(measure(*command))
            full, light, torch = (statistics.median(times[way]) for way in ways)
            told = f"full {full:.2f} s, light {light:.2f} s, torch {torch:.2f} s; full ÷ light {full / light:.2f}"
            print(f"{name:9} {told}")  # noqa: T201


if __name__ == "__main__":
    main()
