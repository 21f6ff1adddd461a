"""What understands less than a model should, measured on the same cases: words and substitutions, labelled relatives.

Of two kinds. *Substitutions*: words that go with an effect of a mutation (learned), times a grade of the mutant: how
many substitutions, BLOSUM62, a supervised probe, masked marginals. They see both texts and both proteins of a case at
once, which no model does. They need a wild type, and guess in natural twins.
*Relatives*: the text of the nearest labelled one, and ridge regression from 4-mers to the texts of labelled
proteins of the family. They need labelled relatives, and guess in families that have none.

What reads the text alone, or the protein alone, is no baseline here: each case asks both ways, and that gets half.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from scipy.sparse import csr_matrix, vstack
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from protrek_hm.cosines import TOLERANCE
from protrek_hm.evaluate.scores import Scorer, case_scores
from protrek_hm.evaluate.twins.cases import TwinCases, wild_types
from protrek_hm.evaluate.twins.measures import weights
from protrek_hm.homology.profile import Profile
from protrek_hm.model.changes import SCORES, FeatureConfig, describe_changes, differing_sites

MUTANT_KINDS = ("wild-type-mutant", "mutant-mutant")
MOST_LEARNED = 40_000
"""Proteins that the probe learns from at most, drawn by seed."""
MOST_RELATIVES = 2_000
"""Labelled relatives of one family at most, drawn by seed."""
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Ridge penalties; each family takes the one that predicts its labelled proteins best, each left out once."""


@dataclass(frozen=True)
class Shortcut:
    """A baseline: its name, what it does in a sentence, and its 2 × 2 scores of each case."""

    name: str
    meaning: str
    scores: Float[np.ndarray, "cases 2 2"]


def make_shortcuts(
    cases: TwinCases, train: pl.DataFrame | None, *, masked: Path | None = None, seed: int = 42
) -> tuple[Shortcut, ...]:
    """Return all baselines that `train` (cases to learn from) and a masked language model (`masked`) allow.

    Raises
    ------
    FileFormatError, MissingFileError
        If `masked` is no model with a masked-language head.
    """
    if train is None or train.is_empty():
        return ()
    return (*_by_substitutions(cases, train, masked, seed), *_by_relatives(cases, train, seed))


# Substitutions

COUNT, BLOSUM = 0, 1


def describe(proteins: Mapping[str, str]) -> dict[str, Float[np.ndarray, " features"]]:
    """Describe what differs between each protein and its wild type (protein → wild type).

    The first feature is the number of sites, the second their cost, summed: what the residue of the wild type scores
    against itself in BLOSUM62 less what it scores with the other one. Both are 0 for the wild type. The others are
    those of the twin head (`model.changes`, without relatives), means over the sites, NaN for the wild type.

    Examples
    --------
    >>> found = describe({"MAV": "MKV", "MKV": "MKV"})
    >>> found["MAV"][:2].tolist(), found["MKV"][:3].tolist()  # 5 - (-1)
    ([1.0, 6.0], [0.0, 0.0, nan])
    """
    names, references = list(proteins), list(proteins.values())
    profiles = {each: Profile.of(each) for each in dict.fromkeys(references)}
    known = [profiles[each] for each in references]
    changes = describe_changes(references, names, known, FeatureConfig(conservation=False))
    sums = np.zeros((len(names), changes.features.shape[1]))
    np.add.at(sums, changes.variant, changes.features)
    sites = np.bincount(changes.variant, minlength=len(names))
    means = np.where(sites[:, None] > 0, sums / np.maximum(sites, 1)[:, None], np.nan)
    costs = [_cost(protein, reference) for protein, reference in proteins.items()]
    return dict(zip(names, np.column_stack([sites, costs, means]), strict=True))


def _cost(protein: str, wild_type: str) -> float:
    _, ours, theirs = differing_sites(wild_type, protein).T
    return float((np.diag(SCORES)[ours] - SCORES[ours, theirs]).sum())


Words = Mapping[str, Callable[[Sequence[str]], Float[np.ndarray, " texts"]]]
"""Kind of twins → from texts to how surely they speak of an effect, in [-1, 1]."""


def effect_words(train: pl.DataFrame, features: Mapping[str, Float[np.ndarray, " features"]]) -> Words:
    """Learn which words go with a mutation's effect: those of the more changed protein of a pair, by BLOSUM62.

    Logistic regression on TF-IDF, for each kind of mutants apart; families weigh alike. Nobody says what an
    effect is: of wild type and mutant the mutant is more changed, of two mutants mostly the one that lost more.
    """
    found: dict[str, Callable[[Sequence[str]], Float[np.ndarray, " texts"]]] = {}
    for kind in MUTANT_KINDS:
        rows = train.filter(pl.col("kind") == kind, pl.col("control") == "no")
        texts: list[str] = []
        effect: list[int] = []
        families: list[str] = []
        for a, b, text_a, text_b, family in rows.select("a", "b", "text_a", "text_b", "family").iter_rows():
            if a in features and b in features:
                change = features[a][BLOSUM] - features[b][BLOSUM]
                if change:
                    texts += [text_a, text_b]
                    effect += [int(change > 0), int(change < 0)]
                    families += [family] * 2
        if texts:
            found[kind] = _learn_words(texts, effect, families)
    return found


def _learn_words(
    texts: Sequence[str], effect: Sequence[int], families: Sequence[str]
) -> Callable[[Sequence[str]], Float[np.ndarray, " texts"]]:
    weight = weights(np.unique(families, return_inverse=True)[1])
    table = pl.DataFrame({"text": texts, "effect": effect, "weight": weight}).group_by("text", "effect").sum()
    table = table.sort("text", "effect")
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    words = vectorizer.fit_transform(table["text"])
    scaled = table["weight"].to_numpy() * table.height
    model = LogisticRegression(max_iter=1000).fit(words, table["effect"], sample_weight=scaled)

    def certainty(asked: Sequence[str]) -> Float[np.ndarray, " texts"]:
        return np.asarray(2 * model.predict_proba(vectorizer.transform(asked))[:, 1] - 1)

    return certainty


Grade = Callable[[Float[np.ndarray, "proteins features"]], Float[np.ndarray, " proteins"]]


def _by_substitutions(cases: TwinCases, train: pl.DataFrame, masked: Path | None, seed: int) -> tuple[Shortcut, ...]:
    wild = wild_types([cases.frame, train])
    features = describe(dict(sorted(wild.items())))
    words = effect_words(train, features)
    plain: list[tuple[str, str, int]] = [
        ("number of substitutions", "words of an effect → the protein with more substitutions", COUNT),
        ("BLOSUM62", "words of an effect → the protein with the less usual substitutions", BLOSUM),
    ]
    found = [
        Shortcut(name, meaning, _graded(cases, train, words, {k: v[[at]] for k, v in features.items()}, _logistic))
        for name, meaning, at in plain
    ]
    probe = "words of an effect → the protein that boosted trees on residues, properties and 16 neighbours grade worse"

    def trees(x: Float[np.ndarray, "n f"], y: Bool[np.ndarray, " n"], w: Float[np.ndarray, " n"]) -> Grade:
        return _trees(x, y, w, seed=seed)

    found.append(Shortcut("substitution probe", probe, _graded(cases, train, words, features, trees, seed=seed)))
    if masked is not None:
        from protrek_hm.evaluate.twins.masked import masked_marginals

        marginals = masked_marginals(masked, wild)
        graded = {protein: np.array([value]) for protein, value in marginals.items()}
        meaning = "words of an effect → the protein that a masked language model finds less likely"
        found.append(Shortcut("masked marginals", meaning, _graded(cases, train, words, graded, _logistic)))
    return tuple(found)


def _graded(
    cases: TwinCases,
    train: pl.DataFrame,
    words: Words,
    features: Mapping[str, Float[np.ndarray, " features"]],
    learn: Callable[..., Grade],
    *,
    seed: int = 0,
) -> Float[np.ndarray, "cases 2 2"]:
    """Score text × protein by how surely the words speak of an effect, times a learned grade of the substitutions.

    Both are taken against their mean in the case: so it sees both texts and both proteins at once, as no model does.
    """
    scores = np.zeros((len(cases), 2, 2))
    for kind, certainty in words.items():
        learned = _learned_grades(train.filter(pl.col("kind") == kind), certainty, features, learn, seed)
        if learned is None:
            continue
        known = [number for number, each in enumerate(cases.pool.sequences) if each in features]
        grade = np.zeros(len(cases.pool.sequences))
        if known:
            grade[known] = learned(np.stack([features[cases.pool.sequences[number]] for number in known]))
        rows = np.flatnonzero((cases.frame["kind"] == kind).to_numpy())
        of_kind = cases.cases.take(rows)
        sure = certainty(cases.pool.texts)
        more = np.stack([sure[of_kind.text], sure[of_kind.other_text]], axis=1)
        worse = np.stack([grade[of_kind.positive], grade[of_kind.negative]], axis=1)
        scores[rows] = _centred(more)[:, :, None] * _centred(worse)[:, None, :]
    scores[cases.cases.other_text < 0, 1] = np.nan
    return scores


def _centred(both: Float[np.ndarray, "cases 2"]) -> Float[np.ndarray, "cases 2"]:
    return np.asarray(both - both.mean(axis=1, keepdims=True))


def _learned_grades(
    train: pl.DataFrame,
    certainty: Callable[[Sequence[str]], Float[np.ndarray, " texts"]],
    features: Mapping[str, Float[np.ndarray, " features"]],
    learn: Callable[..., Grade],
    seed: int,
) -> Grade | None:
    """Learn to tell, by the features of its substitutions, the protein whose text speaks more surely of an effect."""
    real = train.filter(pl.col("control") == "no")
    more = np.sign(certainty(real["text_a"].to_list()) - certainty(real["text_b"].to_list())).astype(np.int64)
    rows = pl.concat(
        [
            real.select(pl.col(side).alias("protein"), "family", effect=pl.Series(more * sign))
            for side, sign in (("a", 1), ("b", -1))
        ]
    )
    rows = rows.filter(pl.col("effect") != 0, pl.col("protein").is_in(list(features))).unique().sort(pl.all())
    if rows.height > MOST_LEARNED:
        rows = rows.sample(MOST_LEARNED, seed=seed)
    if rows["effect"].n_unique() < 2:
        return None
    weight = weights(rows["family"].rank("dense").cast(pl.Int64).to_numpy()) * rows.height
    return learn(np.stack([features[each] for each in rows["protein"]]), (rows["effect"] > 0).to_numpy(), weight)


def _logistic(x: Float[np.ndarray, "n f"], y: Bool[np.ndarray, " n"], w: Float[np.ndarray, " n"]) -> Grade:
    scale = max(float(x.std()), 1e-9)
    model = LogisticRegression(max_iter=1000).fit(x / scale, y, sample_weight=w)
    return lambda asked: np.asarray(model.decision_function(asked / scale))


def _trees(x: Float[np.ndarray, "n f"], y: Bool[np.ndarray, " n"], w: Float[np.ndarray, " n"], *, seed: int) -> Grade:
    known = np.isfinite(x).any(axis=0)  # scikit-learn takes no column that is NaN throughout
    model = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=10, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    ).fit(x[:, known], y, sample_weight=w)  # fmt: skip
    return lambda asked: np.asarray(model.decision_function(asked[:, known]))


# Relatives


def _by_relatives(cases: TwinCases, train: pl.DataFrame, seed: int) -> tuple[Shortcut, ...]:
    meanings = {
        "nearest labelled relative": "TF-IDF cosine with the text of the family's labelled protein nearest by 4-mers",
        "4-mer ridge on relatives": "TF-IDF cosine with the text that ridge regression on the family's labelled "
        "proteins predicts from 4-mers",
    }
    scorers = relatives_scorers(cases, train, seed=seed)
    return tuple(
        Shortcut(name, meaning, case_scores(cases.cases, scorer))
        for (name, meaning), scorer in zip(meanings.items(), scorers, strict=True)
    )


def relatives_scorers(cases: TwinCases, train: pl.DataFrame, *, seed: int = 0) -> tuple[Scorer, Scorer]:
    """Score by the cosine of a text with the text that the labelled proteins of a protein's family speak for.

    The first takes the text of the nearest one by the cosine of binary 4-mers, the mean of those that are tied. The
    second is kernel ridge regression with that cosine as kernel, from proteins to TF-IDF vectors of their texts; what
    all labelled proteins of the family share (the mean) is left out. A protein of a family without labels scores 0.
    """
    labelled = _labelled(train)
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit(labelled["text"].sort())
    family_of = _family_of(cases)
    nothing = csr_matrix((1, len(vectorizer.vocabulary_)))
    predicted = [[nothing] * len(cases.pool.sequences) for _ in range(2)]
    by_family = labelled.partition_by("family", as_dict=True)
    asked_of: dict[str, list[int]] = {}
    for number, sequence in enumerate(cases.pool.sequences):
        asked_of.setdefault(family_of[sequence], []).append(number)
    for family, numbers in asked_of.items():
        if (family,) in by_family:
            asked = [cases.pool.sequences[number] for number in numbers]
            for way, rows in enumerate(_predict(by_family[family,], asked, vectorizer, seed)):
                for place, number in enumerate(numbers):
                    predicted[way][number] = rows[place]
    texts = vectorizer.transform(cases.pool.texts)

    def scorer(rows: list[csr_matrix]) -> Scorer:
        answers = vstack(rows).tocsr()
        return lambda text, sequence: np.asarray(texts[text].multiply(answers[sequence]).sum(axis=1)).ravel()

    return scorer(predicted[0]), scorer(predicted[1])


def _labelled(train: pl.DataFrame) -> pl.DataFrame:
    """Return each labelled protein and text of the training cases once: `sequence`, `text`, `family`."""
    sides = [train.select(pl.col(x).alias("sequence"), pl.col(f"text_{x}").alias("text"), "family") for x in "ab"]
    return pl.concat(sides).unique().sort("family", "sequence", "text")


def _family_of(cases: TwinCases) -> dict[str, str]:
    rows = cases.frame.select("a", "b", "family").iter_rows()
    return {sequence: family for a, b, family in rows for sequence in (a, b)}


def _predict(
    labelled: pl.DataFrame, asked: Sequence[str], vectorizer: TfidfVectorizer, seed: int
) -> tuple[csr_matrix, csr_matrix]:
    """Return for each protein the TF-IDF vector of its nearest relative, and the predicted one, of length 1 or 0."""
    one_each = labelled.group_by("sequence").agg("text").sort("sequence")
    if one_each.height > MOST_RELATIVES:
        one_each = one_each.sample(MOST_RELATIVES, seed=seed).sort("sequence")
    letters = CountVectorizer(analyzer="char", ngram_range=(4, 4), lowercase=False, binary=True)
    try:
        known = normalize(letters.fit_transform(one_each["sequence"]).astype(np.float64))
    except ValueError:  # all shorter than four residues
        none = csr_matrix((len(asked), len(vectorizer.vocabulary_)))
        return none, none
    texts = one_each["text"].to_list()
    flat = vectorizer.transform([text for each in texts for text in each])
    at = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    mean = csr_matrix((1.0 / np.bincount(at)[at], (at, np.arange(len(at)))), shape=(len(texts), len(at)))
    goal = (mean @ flat).tocsc()
    used = np.flatnonzero(np.diff(goal.indptr))
    wanted = goal[:, used].toarray()
    kernel = (normalize(letters.transform(asked).astype(np.float64)) @ known.T).toarray()
    best = kernel >= kernel.max(axis=1, keepdims=True) - TOLERANCE
    coefficients = ridge_coefficients((known @ known.T).toarray(), wanted - wanted.mean(axis=0))
    columns = csr_matrix((np.ones(len(used)), (np.arange(len(used)), used)), shape=(len(used), goal.shape[1]))
    nearest, ridge = (csr_matrix(normalize(rows)) @ columns for rows in (best @ wanted, kernel @ coefficients))
    return nearest.tocsr(), ridge.tocsr()


def ridge_coefficients(
    kernel: Float[np.ndarray, "n n"], wanted: Float[np.ndarray, "n outputs"]
) -> Float[np.ndarray, "n outputs"]:
    """Return the dual coefficients of ridge regression, its penalty chosen by leaving each row out once.

    The left-out error of row i is coefficient i ÷ element (i, i) of the inverse (Rifkin and Lippert, 2007, "Notes on
    regularized least squares").

    Examples
    --------
    >>> kernel, wanted = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([[1.0], [1.0]])
    >>> (kernel @ ridge_coefficients(kernel, wanted)).round(2).ravel().tolist()
    [0.99, 0.99]
    """
    values, vectors = np.linalg.eigh(kernel)
    best: tuple[float, Float[np.ndarray, "n outputs"]] | None = None
    for penalty in PENALTIES:
        inverse = 1.0 / (np.maximum(values, 0.0) + penalty)
        coefficients = vectors @ (inverse[:, None] * (vectors.T @ wanted))
        left_out = coefficients / (vectors**2 @ inverse)[:, None]
        error = float((left_out**2).sum())
        if best is None or error < best[0] * (1 - 1e-9):
            best = error, coefficients
    assert best is not None
    return best[1]
