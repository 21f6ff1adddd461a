"""How many structure files a second become 3Di letters, against a plain loop with biotite.

Files are synthetic: chains of 100 to 600 residues, ideal helices and strands, five atoms each, as mmCIF.gz. All
ways are timed once in this run on the same files, and must give the same letters.

    python benchmarks/structure.py [--files 400] [--workers 2]
"""

import gzip
import io
import os
import tempfile
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
from jaxtyping import Float

from protrek_hm.data.structures import StructureConfig, read_structures

ATOMS = ("N", "CA", "C", "O", "CB")
# One residue along the z axis: radius, angle (degrees) and height of each atom; then the step to the next
HELIX = (((1.55, -27, -0.90), (2.29, 0, 0.0), (1.65, 26, 1.13), (1.95, 12, 2.28), (3.29, -8, 0.86)), 100.0, 1.5)
STRAND = (((0.85, -60, -1.2), (1.0, 0, 0.0), (0.8, 60, 1.2), (2.0, 75, 1.4), (2.5, 8, 0.1)), 190.0, 3.3)


def chain(length: int, rng: np.random.Generator) -> Float[np.ndarray, "residues atoms 3"]:
    """Lay helices and strands side by side, up and down: a bundle, in Å."""
    residues: list[np.ndarray] = []
    while len(residues) < length:
        size = int(rng.integers(6, 16))
        shape, turn, rise = (HELIX, STRAND)[rng.integers(2)]
        number = len(residues) // 10
        for step in range(min(size, length - len(residues))):
            up = step if number % 2 else size - step
            polar = np.array(shape)
            angle = np.radians(polar[:, 1] + turn * up)
            place = np.column_stack([polar[:, 0] * np.cos(angle), polar[:, 0] * np.sin(angle), polar[:, 2] + rise * up])
            residues.append(place + [10 * (number % 5), 10 * (number // 5), 0])
    return np.array(residues) + rng.normal(0, 0.05, (length, len(ATOMS), 3))


def write_file(path: Path, rng: np.random.Generator) -> None:
    """Write one chain as mmCIF.gz, by gemmi."""
    made = gemmi.Chain("A")
    names = rng.choice(["ALA", "LEU", "LYS", "GLU", "SER", "VAL"], int(rng.integers(100, 600)))
    for number, (name, positions) in enumerate(zip(names, chain(len(names), rng), strict=True), start=1):
        residue = gemmi.Residue()
        residue.name, residue.seqid = str(name), gemmi.SeqId(number, " ")
        for atom_name, position in zip(ATOMS, positions, strict=True):
            atom = gemmi.Atom()
            atom.name, atom.element, atom.b_iso = atom_name, gemmi.Element(atom_name[0]), 50.0
            atom.pos = gemmi.Position(*position)
            residue.add_atom(atom)
        made.add_residue(residue)
    structure = gemmi.Structure()
    structure.name = path.name.partition(".")[0]
    model = gemmi.Model(1)
    model.add_chain(made)
    structure.add_model(model)
    structure.setup_entities()
    path.write_bytes(gzip.compress(structure.make_mmcif_document().as_string().encode(), 1))


def plain_loop(files: list[Path]) -> list[str]:
    """Read and encode with biotite alone, file by file."""
    from biotite.structure import filter_amino_acids
    from biotite.structure.alphabet import to_3di
    from biotite.structure.io.pdbx import CIFFile, get_structure

    warnings.filterwarnings("ignore", module="biotite")  # of columns that have a substitute
    letters = []
    for path in files:
        atoms = get_structure(CIFFile.read(io.StringIO(gzip.decompress(path.read_bytes()).decode())), model=1)
        sequences, _ = to_3di(atoms[filter_amino_acids(atoms)])
        letters += [str(sequence).lower() for sequence in sequences]
    return letters


def processor_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def main() -> None:
    """Time each way once on the same files, and check that all give the same letters."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number:05d}.cif.gz" for number in range(given.files)]
        for path in files:
            write_file(path, rng)
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        print(f"{len(files)} files, {megabytes:.1f} MB compressed, seed {given.seed}")  # noqa: T201

        def ours(workers: int) -> list[str]:
            return read_structures(files, StructureConfig(workers=workers)).frame["structure"].to_list()

        ways: dict[str, Callable[[], list[str]]] = {
            "plain loop, biotite": lambda: plain_loop(files),
            "ours, 1 process": lambda: ours(1),
            f"ours, {given.workers} processes": lambda: ours(given.workers),
        }
        base = expected = None
        for name, way in ways.items():
            start, worked = time.perf_counter(), processor_seconds()
            letters = way()
            seconds, worked = time.perf_counter() - start, processor_seconds() - worked
            base, expected = base or seconds, expected or letters
            assert letters == expected, f"{name}: other letters"
            rate = f"{len(files) / seconds:7.1f} files/s {base / seconds:6.2f}×"
            print(f"{name:22} {rate}, {1000 * worked / len(files):.1f} ms of processor time a file")  # noqa: T201


if __name__ == "__main__":
    main()
