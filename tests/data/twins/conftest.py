"""Samples of the originals, and where the whole ones lie."""

from pathlib import Path

import pytest

ORIGINALS = Path(__file__).parent / "originals"
FILES = {
    "ncbi-point": ("ncbi_point/AMRProt-mutation.tsv", "ncbi_point/AMRProt_mutation.fa"),
    "mutadescribe": ("mutadescribe/mutants.tsv",),
    "dms": ("proteingym_singles",),
    "terpene-synthases": ("terpene_synthases/TPS-Nov19_2023_verified_all_reactions.csv",),
    "adenylation-domains": ("adenylation_domains/parasect_dataset.txt",),
    "catpred": ("catpred/kcat-random_test.csv",),
}
WHOLE = {name: tuple(f"{file}.gz" for file in files) for name, files in FILES.items()} | {
    "dms": ("proteingym_singles/assays.tar.gz",),
    "catpred": ("catpred/kcat-random_test.csv.gz", "catpred/kcat-random_val.csv.gz"),
}


@pytest.fixture
def sample():
    """Gives the files of a set's sample."""
    return lambda name: [ORIGINALS / file for file in FILES[name]]


@pytest.fixture
def whole(real_data):
    """Gives the files of a set as published."""
    if not (real_data / "twins").is_dir():
        pytest.skip("no originals of twins")
    return lambda name: [real_data / "twins" / file for file in WHOLE[name]]
