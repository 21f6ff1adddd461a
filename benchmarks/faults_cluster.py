"""Kill parts of a cluster at random moments, and see that the same command gives the same bytes afterwards.

    python benchmarks/faults_cluster.py [--tries 5] [--commands index,mine] [--victims worker,node,head,driver]

Each try starts two Ray nodes of one core each on this machine and a command on them, kills what the try is for with
SIGKILL at a moment drawn between 0 and the time that the command takes undisturbed, and waits for the command to end.
If it failed, the same command is given again: on the same cluster, or on a new one where a node or the head is gone.
The output must then have the bytes of a run that nothing disturbed. A command that does not end within --deadline
seconds is killed and counted as hanging.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mine import say, swissprot_like
from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families

MEGABYTES = 2**20
_STARTS = 12
VICTIMS = ("worker", "node", "head", "driver")
WHEN = ("created", "updated", "sha256")  # of an index's manifest, which differ from run to run


@dataclass(frozen=True)
class Try:
    """What became of a try: how the disturbed command ended, and what was wrong, if anything was."""

    ended: str
    wrong: str = ""


def command(name: str, folder: Path, output: Path) -> list[str]:
    """Return the command line of `index build` or `mine` on the proteins in `folder`."""
    proteins = str(folder / f"{name}.tsv")
    if name == "index":
        return ["index", "build", proteins, "-m", "mini", "-o", str(output), "--no-meaning", "--device", "cpu"]
    return ["mine", proteins, "-o", str(output), "--threads", "1"]


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Start two nodes of one core each, several times if Ray gives up on a busy machine; at the end all is stopped."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * MEGABYTES, "include_dashboard": False}
    for again in range(_STARTS):
        cluster = Cluster()
        try:
            for _ in range(2):
                cluster.add_node(**node)
            break
        except Exception as error:
            cluster.shutdown()
            kill([each.pid for each in psutil.Process().children()])  # what Ray leaves of a node that did not start
            if again + 1 == _STARTS:
                raise
            say(f"  (Ray did not start: {str(error)[:60]})")
    try:
        yield cluster
    finally:
        with suppress(Exception):
            cluster.shutdown()


def start(arguments: list[str], address: str | None, log: Path) -> "subprocess.Popen[bytes]":
    """Start a command, in a session of its own, on a cluster or without one."""
    more = [] if address is None else ["--cluster", address]
    line = [sys.executable, "-m", "protrek_hm", *arguments, *more]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=log.open("wb"), start_new_session=True)


def processes_of(cluster: Any, victim: str, driver: int, rng: random.Random) -> list[int]:
    """Return the processes that die: a worker (one that works, if there is one), those of a node, of the head."""
    if victim == "driver":
        return [driver]
    node = cluster.head_node if victim == "head" else next(iter(cluster.worker_nodes))
    if victim != "worker":
        return [each.process.pid for some in node.all_processes.values() for each in some]
    raylets = [
        each.process.pid for some in (cluster.head_node, *cluster.worker_nodes) for each in some.all_processes["raylet"]
    ]
    every = [child for raylet in raylets for child in psutil.Process(raylet).children(recursive=True)]
    named = {child.pid: " ".join(child.cmdline()) for child in every}
    workers = [pid for pid, name in named.items() if "ray::_work_on" in name]
    workers = workers or [pid for pid, name in named.items() if "ray::" in name]
    return [rng.choice(workers)] if workers else []


def kill(pids: list[int]) -> None:
    """Kill processes and what they have started."""
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(pid)
            for each in (*own.children(recursive=True), own):
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)


def wait(process: "subprocess.Popen[bytes]", deadline: float) -> int | None:
    """Wait for a command; kill it, with all that it has started, and return None if it does not end in time."""
    try:
        return process.wait(timeout=max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        kill([process.pid])
        process.wait()
        return None


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files; when an index was made is left out."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in found if name.endswith("index.json")]:
        told = json.loads(found[name])
        found[name] = json.dumps({key: told[key] for key in told if key not in WHEN}).encode()
    return found


def last_line(log: Path) -> str:
    """Return what a command said last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing was said"


def one_try(name: str, victim: str, folder: Path, *, after: float, within: float, seed: int) -> Try:
    """Disturb a command once before `after` seconds, and compare what it, or the same command after it, writes."""
    rng, whole = random.Random(f"{seed} {name} {victim}"), bytes_of(folder / f"{name}-whole")
    output, log = folder / f"{name}-{victim}-{seed}", folder / "log"
    arguments = command(name, folder, output)
    with two_nodes() as cluster:
        deadline = time.monotonic() + within
        process = start(arguments, cluster.address, log)
        time.sleep(rng.uniform(0, after))
        over, dying = process.poll() is not None, processes_of(cluster, victim, process.pid, rng)
        kill(dying)
        code = wait(process, deadline)
        if code is None:
            return Try("hanging", f"did not end within {within:.0f} s: {last_line(log)}")
        ended = "went on" if code == 0 else f"ended: {last_line(log)}" if code > 0 else "was killed"
        ended = "was over already" if over else ended if dying else f"found nothing to kill and {ended}"
        if code and victim in ("worker", "driver"):
            code = wait(start(arguments, cluster.address, log), time.monotonic() + within)
    if code:
        with two_nodes() as cluster:
            code = wait(start(arguments, cluster.address, log), time.monotonic() + within)
    if code != 0:
        return Try(ended, f"the same command again: {'hanging' if code is None else last_line(log)}")
    found = bytes_of(output)
    other = sorted(each for each in {*found, *whole} if found.get(each) != whole.get(each))
    return Try(ended, f"other bytes: {', '.join(other)}" if other else "")


def main() -> None:
    """Make the proteins, run the commands undisturbed, then disturb them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=5, help="Of each command and victim.")
    parser.add_argument("--commands", default="index,mine")
    parser.add_argument("--victims", default=",".join(VICTIMS))
    parser.add_argument("--proteins", type=int, default=1_500, help="Proteins to encode; three times as many to mine.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=float, default=300, help="Seconds for each command.")
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_raylet_start_wait_time_s": "150"}
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sequences = swissprot_like(given.proteins, seed=given.seed)
        rows = [f"P{number}\t{sequence}\tprotein {number}\n" for number, sequence in enumerate(sequences)]
        (folder / "index.tsv").write_text("id\tsequence\ttext\n" + "".join(rows))
        families = SyntheticConfig(families=3 * given.proteins // 12, members=12, seed=given.seed)
        synthetic_families(families).proteins.write_csv(folder / "mine.tsv", separator="\t")
        for name in given.commands.split(","):
            output = folder / f"{name}-whole"
            with two_nodes() as cluster:
                begun = time.monotonic()
                code = wait(start(command(name, folder, output), cluster.address, folder / "log"), begun + 900)
                took = time.monotonic() - begun
            assert code == 0, last_line(folder / "log")
            say(f"{name}: undisturbed {took:.0f} s on two nodes, {len(bytes_of(output))} files")
            for victim in given.victims.split(","):
                told: Counter[str] = Counter()
                for number in range(given.tries):
                    seed = given.seed * 1_000 + number
                    found = one_try(name, victim, folder, after=took, within=given.deadline, seed=seed)
                    told[f"WRONG: {found.wrong}" if found.wrong else found.ended] += 1
                    wrong += bool(found.wrong)
                said = "; ".join(f"{count} × {what}" for what, count in told.most_common())
                say(f"  {name}, {victim} killed, {given.tries} tries: {said}")
    say("all the same bytes" if not wrong else f"{wrong} tries went wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
