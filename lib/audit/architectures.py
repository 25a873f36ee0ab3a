"""Tables I to III recomputed by the arithmetic of layers: no Keras, whose import takes seconds, and no weights.

A convolution without padding by a kernel of k leaves d - k + 1 of d; a pool of 3 leaves a third, rounded down. A
convolution has (kernel volume x channels in + 1) x filters parameters, a dense layer (inputs + 1) x outputs. A
weight of a filter is multiplied once at each position, a weight of a dense layer once.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lib.audit import paper
from lib.audit.finding import Outcome, check, listed
from lib.audit.paper import STCNN

N_FILTERS = 32
POOL_SIZE = 3
KERNEL = (3, 3, 15)
HIDDEN = {
    "micro_exp_stcnn": (128,),
    "micro_exp_fusenet_intermediate": (1024, 128),
    "micro_exp_fusenet_late": (1024, 128),
}
SIDES = {"micro_exp_stcnn": 64, "micro_exp_fusenet_intermediate": 32, "micro_exp_fusenet_late": 32}


class Layer(NamedTuple):
    """Name as in `data/paper/table_*.csv`; output size, channels first; parameters, and multiply-adds of one clip."""

    name: str
    size: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0


def layers(model: str, depth: int, n_classes: int = 3, kernel: Sequence[int] = KERNEL) -> list[Layer]:
    """All layers that a network's table lists, in its order.

    Parameters
    ----------
    model : str
        Among `lib.audit.paper.METHOD_NAMES`.
    depth : int
        Frames of the volume: 96 for CAS(ME)², 18 for SMIC.

    Examples
    --------
    >>> layers("micro_exp_stcnn", 96)[2]
    Layer(name='pool', size=(32, 20, 20, 27), parameters=0, multiply_adds=0)
    """
    volume, hidden = (SIDES[model], SIDES[model], depth), HIDDEN[model]
    if model == "micro_exp_stcnn":
        front = list(_front(volume, kernel, "frame", ""))
        dense = list(_dense(front[-1].size[0], hidden, ""))
        output = _output(dense[-1].size[0], n_classes, "dense_2")
        return [*front, *dense, output, Layer("dropout_3", output.size)]  # Table I ends with a dropout, unlike the code
    parts = ("eyes", "mouth")
    streams = [list(_front(volume, kernel, part, f"{part}_")) for part in parts]
    if model == "micro_exp_fusenet_intermediate":
        joined = Layer("concatenate", (sum(stream[-1].size[0] for stream in streams),))
        dense = list(_dense(joined.size[0], hidden, ""))
        return [*_alternating(streams), joined, *dense, _output(dense[-1].size[0], n_classes, "dense_3")]
    tails = [list(_dense(stream[-1].size[0], hidden, f"{part}_")) for part, stream in zip(parts, streams, strict=True)]
    dense = [layer for width in range(len(hidden)) for tail in tails for layer in tail[2 * width : 2 * width + 2]]
    joined = Layer("concatenate", (sum(tail[-1].size[0] for tail in tails),))
    return [*_alternating(streams), *dense, joined, _output(joined.size[0], n_classes, "dense_3")]


def parameters(model: str, depth: int) -> int:
    """Number of trainable parameters.

    >>> parameters("micro_exp_stcnn", 96), parameters("micro_exp_fusenet_late", 18)
    (44241667, 6827523)
    """
    return sum(layer.parameters for layer in layers(model, depth))


def multiply_adds(model: str, depth: int) -> int:
    """Multiplications by a weight, each with its addition, in one clip's forward pass.

    >>> multiply_adds("micro_exp_stcnn", 96)
    1405935744
    """
    return sum(layer.multiply_adds for layer in layers(model, depth))


def misprints(model: str) -> dict[str, tuple[str, str]]:
    """Sizes of a network's table that do not follow from the layers above: layer -> (printed, computed)."""
    printed = paper.architecture(model).set_index("layer")["output"]
    computed = {layer.name: "x".join(map(str, layer.size)) for layer in layers(model, depth=96)}
    return {name: (size, computed[name]) for name, size in printed.items() if size != computed[name]}


@check("table-{table}-shapes", "{table}")
def check_shapes(model: str) -> Outcome:
    """The sizes that Table {table} prints follow from one another."""
    wrong, rows = misprints(model), len(paper.architecture(model))
    told = (f"{name} is printed as {size} and is {right}" for name, (size, right) in wrong.items())
    evidence = f"{len(wrong)} of {rows} sizes do not follow: {listed(told, '; ')}."
    return not wrong, evidence, {"rows": rows, "wrong": {name: list(pair) for name, pair in wrong.items()}}


@check("efficiency-{model}", "text III-B")
def check_efficiency(model: str) -> Outcome:
    """{model} is computationally more efficient than MicroExpSTCNN."""
    work = multiply_adds(model, 96) / multiply_adds(STCNN, 96)
    size = parameters(model, 96) / parameters(STCNN, 96)
    evidence = (
        f"At 96 frames it takes {work:.2f} times the multiply-adds of a clip and {size:.1f} times the parameters; the "
        "search for a face in every frame comes on top."
    )
    values = {"multiply_adds": round(work, 3), "parameters": round(size, 3)}
    return (None if work < 1 <= size else work < 1), evidence, values


def _front(volume: Sequence[int], kernel: Sequence[int], part: str, prefix: str) -> Iterator[Layer]:
    """Input, convolution, pool, dropout and flattened vector of one stream."""
    convolved = tuple(size - width + 1 for size, width in zip(volume, kernel, strict=True))
    pooled = (N_FILTERS, *(size // POOL_SIZE for size in convolved))
    yield Layer(part, tuple(volume))
    yield Layer(
        f"{prefix}convolution",
        (N_FILTERS, *convolved),
        (math.prod(kernel) + 1) * N_FILTERS,
        math.prod(convolved) * N_FILTERS * math.prod(kernel),
    )
    yield Layer(f"{prefix}pool", pooled)
    yield Layer(f"{prefix}dropout_1", pooled)
    yield Layer(f"{prefix}flatten", (math.prod(pooled),))


def _dense(inputs: int, widths: Sequence[int], prefix: str) -> Iterator[Layer]:
    """Hidden dense layers, each with the dropout after it."""
    for number, width in enumerate(widths, start=1):
        yield Layer(f"{prefix}dense_{number}", (width,), (inputs + 1) * width, inputs * width)
        yield Layer(f"{prefix}dropout_{number + 1}", (width,))
        inputs = width


def _output(inputs: int, n_classes: int, name: str) -> Layer:
    return Layer(name, (n_classes,), (inputs + 1) * n_classes, inputs * n_classes)


def _alternating(streams: Sequence[Sequence[Layer]]) -> list[Layer]:
    """The layers of two streams as the tables list them: eyes, mouth, eyes, mouth."""
    return [layer for pair in zip(*streams, strict=True) for layer in pair]
