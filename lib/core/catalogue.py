"""One row a dataset and one row a network: what the command line, the graph, titles and profiles say of each.

Who adds one writes its file and a row here. A dataset's is `lib/datasets/<name>.py` with a function `load_<name>`, a
network's `lib/networks/<name>.py` with a function `<name>`. Rows of what the paper used name its table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN_SUBJECT = "unknown"  # in the clip table of every dataset, where nothing says who is seen


@dataclass(frozen=True)
class DatasetRow:
    """A dataset that can be read."""

    title: str  # as people write it
    root_variable: str = ""  # the environment variable that names its folder; empty where that is a parameter only
    standins: tuple[str, ...] = ()  # layouts in which it is rendered, first the one made where no folder is named
    frames: int = 18  # depth of a volume, where the paper says nothing of it (see `lib.preprocessing.default_config`)
    memory_mb: int = 3000  # of one training on it
    table: str = ""  # the confusion matrix that the paper prints for it


@dataclass(frozen=True)
class NetworkRow:
    """A network that can be trained."""

    title: str  # as people write it
    streams: tuple[str, ...]  # of a processed store, in the order of its inputs
    table: str = ""  # the paper's, of its layers


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
