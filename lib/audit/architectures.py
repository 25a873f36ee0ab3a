"""Tables I to III recomputed by the arithmetic of layers: no Keras, whose import takes seconds, and no weights.

A convolution without padding by a kernel of k leaves d - k + 1 of d; a pool of 3 leaves a third, rounded down. A
convolution has (kernel volume x channels in + 1) x filters parameters, a dense layer (inputs + 1) x outputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lib import paper
from lib.audit import released
from lib.audit.finding import Finding

N_FILTERS = 32
POOL_SIZE = 3
KERNEL = (3, 3, 15)
HIDDEN = {
    "micro_exp_stcnn": (128,),
    "micro_exp_fusenet_intermediate": (1024, 128),
    "micro_exp_fusenet_late": (1024, 128),
}
SIDES = {"micro_exp_stcnn": 64, "micro_exp_fusenet_intermediate": 32, "micro_exp_fusenet_late": 32}


@dataclass(frozen=True)
class Layer:
    """Name as in `data/paper/table_*.csv`; output size, channels first; number of parameters."""

    name: str
    size: tuple[int, ...]
    parameters: int

    @property
    def printed(self) -> str:
        """The size as the paper writes it, ``32x62x62x82``."""
        return "x".join(map(str, self.size))


def layers(model: str, depth: int, n_classes: int = 3, kernel: Sequence[int] = KERNEL) -> list[Layer]:
    """All layers of a network that have a row in its table, in the order of the table.

    Parameters
    ----------
    model : str
        Among `lib.paper.METHOD_NAMES`.
    depth : int
        Frames of the volume: 96 for CAS(ME)², 18 for SMIC.

    Examples
    --------
    >>> layers("micro_exp_stcnn", 96)[1]
    Layer(name='pool', size=(32, 20, 20, 27), parameters=0)
    """
    volume, hidden = (SIDES[model], SIDES[model], depth), HIDDEN[model]
    if model == "micro_exp_stcnn":
        front = _front(volume, kernel, "", dropout=True)
        return [*front, *_dense(front[-1].size[0], (*hidden, n_classes), "", dropout=True)]
    late = model == "micro_exp_fusenet_late"
    streams = [_front(volume, kernel, f"{part}_", dropout=not late) for part in ("eyes", "mouth")]
    if late:
        tails = [
            _dense(front[-1].size[0], hidden, f"{part}_")
            for part, front in zip(("eyes", "mouth"), streams, strict=True)
        ]
        streams = [[*front, *tail] for front, tail in zip(streams, tails, strict=True)]
    side_by_side = [layer for pair in zip(*streams, strict=True) for layer in pair]
    joined = Layer("concatenate", (sum(stream[-1].size[0] for stream in streams),), 0)
    if late:
        return [*side_by_side, joined, Layer("dense_3", (n_classes,), (joined.size[0] + 1) * n_classes)]
    return [*side_by_side, joined, *_dense(joined.size[0], (*hidden, n_classes), "")]


def parameters(model: str, depth: int) -> int:
    """Number of trainable parameters.

    >>> parameters("micro_exp_stcnn", 96), parameters("micro_exp_fusenet_late", 18)
    (44241667, 6827523)
    """
    return sum(layer.parameters for layer in layers(model, depth))


def check_shapes(model: str) -> Finding:
    """Whether every output size that a table prints follows from the layers above it."""
    table = paper.ARCHITECTURE_TABLES[model]
    printed = paper.architecture(model).set_index("layer")["printed"]
    computed = {layer.name: layer.printed for layer in layers(model, depth=96)}
    wrong = {name: (size, computed[name]) for name, size in printed.items() if size != computed[name]}
    told = "; ".join(f"{name} is printed as {size} and is {right}" for name, (size, right) in wrong.items())
    return Finding(
        id=f"table-{table.lower()}-shapes",
        table=table,
        statement=f"The sizes that Table {table} prints follow from one another",
        status="contradicted" if wrong else "holds",
        evidence=f"{told}." if wrong else f"All {len(printed)} sizes follow from a volume of 96 frames.",
        values={"rows": len(printed), "wrong": {name: list(pair) for name, pair in wrong.items()}},
    )


def check_parameters() -> Finding:
    """Whether the recorded numbers of parameters follow from the layers, for both depths."""
    recorded = paper.parameter_counts()
    computed = [parameters(row.model, row.depth) for row in recorded.itertuples()]
    wrong = {
        f"{row.model} at {row.depth}": [int(row.parameters), ours]
        for row, ours in zip(recorded.itertuples(), computed, strict=True)
        if row.parameters != ours
    }
    largest, clips = max(computed), released.clip_count("micro_exp_fusenet_late", "casme2_sq")
    training_clips = clips - released.held_out(clips)
    return Finding(
        id="parameter-counts",
        table="I, II, III",
        statement="The networks have the recorded numbers of parameters",
        status="contradicted" if wrong else "holds",
        evidence=(
            f"{len(computed) - len(wrong)} of {len(computed)} numbers follow from the layers"
            + "".join(f"; {name}: {found[0]:,} recorded, {found[1]:,} computed" for name, found in wrong.items())
            + f". The largest network has {largest:,} parameters: {largest / training_clips:,.0f} for each of its "
            f"{training_clips} training clips."
        ),
        values={"wrong": wrong, "largest": largest, "training_clips": training_clips},
    )


def _front(volume: Sequence[int], kernel: Sequence[int], prefix: str, dropout: bool) -> list[Layer]:
    """Convolution, pool, dropout (if the table lists it) and the flattened vector of one stream."""
    convolved = tuple(size - width + 1 for size, width in zip(volume, kernel, strict=True))
    pooled = (N_FILTERS, *(size // POOL_SIZE for size in convolved))
    return [
        Layer(f"{prefix}convolution", (N_FILTERS, *convolved), (math.prod(kernel) + 1) * N_FILTERS),
        Layer(f"{prefix}pool", pooled, 0),
        *([Layer(f"{prefix}dropout_1", pooled, 0)] if dropout else []),
        Layer(f"{prefix}flatten", (math.prod(pooled),), 0),
    ]


def _dense(inputs: int, widths: Sequence[int], prefix: str, dropout: bool = False) -> list[Layer]:
    """Dense layers one after another; with `dropout`, the one that Table I lists after the first."""
    found = []
    for number, width in enumerate(widths, start=1):
        found.append(Layer(f"{prefix}dense_{number}", (width,), (inputs + 1) * width))
        if dropout and number == 1:
            found.append(Layer("dropout_2", (width,), 0))
        inputs = width
    return found
