"""Read any of the sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from protrek_hm.data.twins import dms, mutants, natural
from protrek_hm.data.twins.config import SETS, TwinsConfig
from protrek_hm.data.twins.table import TwinTable
from protrek_hm.errors import MissingFileError, NothingFoundError, OptionError

_READERS = {
    "ncbi-point": mutants.read_ncbi_point,
    "mutadescribe": mutants.read_mutadescribe,
    "dms": dms.read_dms,
    "terpene-synthases": natural.read_terpene_synthases,
    "adenylation-domains": natural.read_adenylation_domains,
    "catpred": natural.read_catpred,
}


def read_twins(
    name: str,
    paths: Sequence[Path | str],
    *,
    config: TwinsConfig | None = None,
    columns: Mapping[str, str] | None = None,
) -> TwinTable:
    r"""Read a set of twins from its files as published.

    Parameters
    ----------
    name
        One of `SETS`; ``labels`` is any table of proteins with columns of labels.
    paths
        The set's files, also with .gz or .zst; for ``dms`` also folders and tar archives.
    config
        Settings.
    columns
        Our name → the file's column, for ``labels`` only.

    Returns
    -------
    TwinTable
        A row a protein, with the columns `SCHEMA` and those of the set, and the report. Rows stand in the order of the
        files, wild types before their mutants.

    Raises
    ------
    OptionError
        If there is no such set, or a setting is for another one.
    MissingFileError, FileFormatError, MissingColumnError
        If a file does not exist, cannot be read, or is another than it should be.
    NothingFoundError
        If no record can be used.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "P1_HUMAN.fasta").write_text(">P1_HUMAN\nMKVL\n")
    >>> _ = (folder / "P1_HUMAN_Doe_activity_2024.csv").write_text("mutant,score\nK2R,1.5\nV3A,0.2\nV4A,0.1\n")
    >>> table = read_twins("dms", [folder])
    >>> table.frame.select("id", "sequence", "label", "wild_type").rows()[1]
    ('P1_HUMAN_Doe_activity_2024:K2R', 'MRVL', 'activity:high', 'P1_HUMAN')
    >>> table.report.lines()
    ['left out: 1 (another letter in the reference): P1_HUMAN_Doe_activity_2024 V4A']
    """
    config = config or TwinsConfig()
    if name not in SETS:
        raise OptionError("set", name, f"one of {', '.join(SETS)}")
    if name != "labels" and (config.label or columns):
        raise OptionError("label" if config.label else "column", name, "is for the set labels only")
    if name != "dms" and config.share != TwinsConfig.share:
        raise OptionError("share", config.share, "is for the set dms only")
    given = [Path(path) for path in paths]
    if not given:
        raise OptionError("paths", None, f"give the files of {name}")
    for path in given:
        if not path.exists():
            raise MissingFileError(path)
    table = natural.read_labels(given, config, columns) if name == "labels" else _READERS[name](given, config)
    if table.frame.is_empty():
        reasons = "; ".join(table.report.lines()) or "no records"
        raise NothingFoundError(f"{given[0]}: no record of {name} can be used; {reasons}")
    return table
