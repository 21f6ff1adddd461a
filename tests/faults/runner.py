"""Runs commands of protrek-hm in forks of one process that has imported everything, each with one fault of the disk.

Started by `conftest.py` with `disk.c` preloaded; reads a JSON object a line and answers with one.
"""

import ctypes
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import protrek_hm

MODES = {"count": 0, "kill": 1, "error": 2, "full": 3, "torn": 4, "reads": 5, "read error": 6, "short": 7}
LAZY = (  # what commands import when they need it
    *("faiss", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
    *("sklearn.feature_extraction.text", "sklearn.manifold", "scipy.stats", "datasets"),
    *("transformers.models.bert.modeling_bert", "transformers.models.esm.modeling_esm"),
)


def main():
    """Answer requests until the input ends."""
    own = [each.name for each in walk_packages(protrek_hm.__path__, "protrek_hm.") if "__main__" not in each.name]
    for name in (*own, *LAZY):
        import_module(name)
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)  # noqa: T201


def run(arguments, folder, mode, number):
    """Run a command with `folder` as its working folder; return its exit code, stderr, and the calls it made."""
    with tempfile.TemporaryDirectory() as elsewhere:
        told, counted = Path(elsewhere) / "stderr", Path(elsewhere) / "count"
        child = os.fork()
        if not child:
            os.chdir(folder)
            redirect(told)
            os._exit(command(arguments, folder, mode, number, counted))
        _, status = os.waitpid(child, 0)
        count = int(counted.read_text()) if counted.exists() else None
        return {"code": os.waitstatus_to_exitcode(status), "stderr": told.read_text(), "count": count}


def command(arguments, folder, mode, number, counted):
    """Run the command line in this process, armed; return its exit code."""
    from protrek_hm.cli.app import main as command_line

    sys.argv = ["protrek-hm", *arguments]
    disk = ctypes.CDLL(os.environ["LD_PRELOAD"])
    disk.faults_arm(number, MODES[mode], os.fsencode(folder))
    code = 0
    try:
        command_line()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - a traceback is what the tests look for
        import traceback

        traceback.print_exc()
        code = 70
    count = disk.faults_count()
    disk.faults_arm(0, MODES["count"], b"/nowhere")
    counted.write_text(str(count))
    sys.stderr.flush()
    return code


def redirect(told):
    """Send stdout nowhere and stderr to a file."""
    for handle, file, flags in ((1, os.devnull, os.O_WRONLY), (2, told, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(file, flags)
        os.dup2(opened, handle)


if __name__ == "__main__":
    main()
