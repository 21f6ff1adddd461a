"""Random protein families for the miner's tests: small enough for exhaustive truth."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
DRUGS = ("penicillin", "carbapenem", "tetracycline")
WORDINGS = ("{}-hydrolyzing enzyme.", "Enzyme that acts on {}.")


def random_families(seed: int, *, families: int = 4, members: int = 6, length: int = 60) -> pl.DataFrame:
    """Members differ from their founder by up to 12 substitutions and perhaps a deletion."""
    generator = np.random.default_rng(seed)
    rows = []
    for family in range(families):
        founder = generator.choice(LETTERS, length)
        for member in range(members):
            residues = founder.copy()
            places = generator.choice(length, int(generator.integers(0, 13)), replace=False)
            residues[places] = generator.choice(LETTERS, len(places))
            if generator.random() < 0.3:
                residues = np.delete(residues, int(generator.integers(length)))
            drug = str(generator.choice(DRUGS))
            rows.append(
                {
                    "id": f"F{family}M{member}",
                    "sequence": "".join(residues),
                    "text": str(generator.choice(WORDINGS)).format(drug).capitalize(),
                    "drug": drug,
                    "structure": f"fold{family % 3}",
                }
            )
    return pl.DataFrame(rows).unique("sequence", keep="first", maintain_order=True)


@pytest.fixture
def make_families() -> Callable[..., pl.DataFrame]:
    """The maker of random families."""
    return random_families
