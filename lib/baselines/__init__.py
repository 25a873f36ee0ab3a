"""The other rows of the paper's Table V: one file a method, and a row here. What is known of splits is not known here.

A method's file has a dataclass `Settings`, and `fit(features, labels, n_classes, settings, seed)`, which returns what
has ``predict(features)``, (n, n_classes) shares that sum to 1, and ``n_parameters``. Where it has ``features(volume,
settings)`` too, that is what is made of each clip by itself, and kept; else a clip's volume is its feature. All read
the stream `face`, which is aligned once a clip: the sources work on aligned faces. Importing this package is cheap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STREAM = "face"


@dataclass(frozen=True)
class MethodRow:
    """A method that can be compared with the paper's networks.

    Attributes
    ----------
    title : str
        As people write it; "-style" where the source does not say all that decides.
    files : tuple of str
        Modules of this package whose code makes it what it is; the first is the method's own.
    settings : mapping
        What differs from the defaults of the module's `Settings`.
    listed : str
        The row of Table V that it stands for; empty for a method that the table lacks.
    source : str
        Its reference in `book/references.bib`.
    keras : bool
        It is a network, so that the Keras backend decides its numbers too.
    draws : bool
        Its seed decides something, so that several seeds are worth evaluating.
    """

    title: str
    files: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    listed: str = ""
    source: str = ""
    keras: bool = False
    draws: bool = False


METHODS: Mapping[str, MethodRow] = {
    "majority": MethodRow("Commonest class", ("majority",)),
    "lbp_top": MethodRow("LBP-TOP", ("lbp_top", "patterns", "svm"), listed="LBP-TOP", source="see2019"),
    "lbp_top_smic": MethodRow(
        "LBP-TOP, 8 neighbours (SMIC-style)",
        ("lbp_top", "patterns", "svm"),
        {"points": (8, 8, 8), "radii": (1, 1, 2), "blocks": 8, "kernel": "poly"},
        listed="LBP-TOP",
        source="li2013",
    ),
    "stclqp": MethodRow("STCLQP-style", ("stclqp", "patterns", "svm"), listed="STCLQP", source="huang2016", draws=True),
    "mdmo": MethodRow("Flow histograms (MDMO-style)", ("mdmo", "flow", "svm"), source="liu2016"),
    "cnn_augmentation": MethodRow(
        "CNN with augmentation-style",
        ("cnn_augmentation", "networks"),
        listed="CNN with Augmentation",
        source="takalkar2017",
        keras=True,
        draws=True,
    ),
    "fcnn_3d": MethodRow(
        "3D-FCNN-style",
        ("fcnn_3d", "patterns", "flow", "networks"),
        listed="3D-FCNN",
        source="li2019",
        keras=True,
        draws=True,
    ),
    "ststnet": MethodRow("STSTNet-style", ("ststnet", "flow", "networks"), source="liong2019", keras=True, draws=True),
}


def source_files(method: str) -> list[Path]:
    """The files whose code makes this method what it is."""
    return [Path(__file__).parent / f"{name}.py" for name in METHODS[method].files]
