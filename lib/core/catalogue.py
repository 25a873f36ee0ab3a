"""One row a dataset and one row a network: what the command line, the graph, titles and profiles say of each.

Who adds one writes its file and a row here. A dataset's is `lib/datasets/<name>.py` with a function `load_<name>`, a
network's `lib/networks/<name>.py` with a function `<name>`. Rows of what the paper used name its table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN_SUBJECT = "unknown"  # in the clip table of every dataset, where nothing says who is seen


@dataclass(frozen=True)
class DatasetRow:
    """A dataset that can be read.

    Attributes
    ----------
    title : str
        As people write it.
    root_variable : str
        The environment variable that names its folder; empty where the folder is a parameter only.
    standins : tuple of str
        The layouts in which `lib.standin` renders it, first the one that is made where no folder is named.
    frames : int
        Depth of a volume, where the paper says nothing of this dataset (see `lib.preprocessing.default_config`).
    memory_mb : int
        What one training on it needs.
    table : str
        The confusion matrix that the paper prints for it.
    """

    title: str
    root_variable: str = ""
    standins: tuple[str, ...] = ()
    frames: int = 18
    memory_mb: int = 3000
    table: str = ""


@dataclass(frozen=True)
class NetworkRow:
    """A network that can be trained.

    Attributes
    ----------
    title : str
        As people write it.
    streams : tuple of str
        The streams of a processed store that it reads, in the order of its inputs.
    table : str
        The paper's table of its layers.
    """

    title: str
    streams: tuple[str, ...]
    table: str = ""


DATASETS: Mapping[str, DatasetRow] = {
    # a FuseNet holds 177 million weights for volumes of 96 frames, and as many gradients
    "casme2_sq": DatasetRow(
        "CAS(ME)²", "CASME2_SQ_ROOT", ("casme2_sq", "casme2_sq_official"), memory_mb=8000, table="VI"
    ),
    "smic": DatasetRow("SMIC", "SMIC_ROOT", ("smic",), table="VII"),
    "class_folders": DatasetRow("Own clips"),
}
NETWORKS: Mapping[str, NetworkRow] = {
    "micro_exp_stcnn": NetworkRow("MicroExpSTCNN", ("frame",), table="I"),
    "micro_exp_fusenet_intermediate": NetworkRow("Intermediate MicroExpFuseNet", ("eyes", "mouth"), table="II"),
    "micro_exp_fusenet_late": NetworkRow("Late MicroExpFuseNet", ("eyes", "mouth"), table="III"),
}

ROOT_VARIABLES: Mapping[str, str] = {name: row.root_variable for name, row in DATASETS.items() if row.root_variable}
DATASET_TITLES: Mapping[str, str] = {name: row.title for name, row in DATASETS.items()}
NETWORK_TITLES: Mapping[str, str] = {name: row.title for name, row in NETWORKS.items()}
STREAMS: Mapping[str, tuple[str, ...]] = {name: row.streams for name, row in NETWORKS.items()}
PAPER_DATASETS = tuple(name for name, row in DATASETS.items() if row.table)
PAPER_NETWORKS = tuple(name for name, row in NETWORKS.items() if row.table)

UNKNOWN_SUBJECT = "unknown"  # whose face it is, in a clip table, where neither name nor layout says it
