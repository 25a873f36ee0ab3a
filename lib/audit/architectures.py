"""Tables I to III recomputed by the arithmetic of layers: no Keras, whose import takes seconds, and no weights.

A convolution without padding by a kernel of k leaves d - k + 1 of d; a pool of 3 leaves a third, rounded down. A
convolution has (kernel volume x channels in + 1) x filters parameters, a dense layer (inputs + 1) x outputs. A
weight of a filter is multiplied once at each position, a weight of a dense layer once. Such a multiply-add (MAC) is two
floating-point operations. Biases, activations, pools, dropout and softmax are left out, as is usual: 1 % of the whole
for a 3x3x15 kernel, 5 % for a 3x3x3 one.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lib.audit import paper
from lib.audit.finding import Outcome, check, listed
from lib.audit.paper import STCNN
from lib.audit.released import FUSENETS

N_FILTERS, POOL_SIZE, KERNEL = 32, 3, (3, 3, 15)
HIDDEN = {STCNN: (128,), **dict.fromkeys(FUSENETS, (1024, 128))}
VOLUMES = {STCNN: (64, 64, 96), **dict.fromkeys(FUSENETS, (32, 32, 96))}  # of Tables I to III


class Layer(NamedTuple):
    """Name as in `data/paper/table_*.csv`; output size, channels first; parameters, and multiply-adds of one clip."""

    name: str
    size: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0


def layers(model: str, volume: Sequence[int] = (), kernel: Sequence[int] = KERNEL, n_classes: int = 3) -> list[Layer]:
    """All layers that a network's table lists, one stream after the other.

    Parameters
    ----------
    model : str
        Among `lib.audit.paper.METHOD_NAMES`.
    volume : (height, width, depth), optional
        Of each stream; that of the network's table, of 96 frames, if there is none.
    kernel : (height, width, depth)
        One that leaves the pool three positions or more in each direction.
    n_classes : int

    Examples
    --------
    >>> layers("micro_exp_stcnn")[2]
    Layer(name='pool', size=(32, 20, 20, 27), parameters=0, multiply_adds=0)
    """
    hidden, late = HIDDEN[model], model == FUSENETS[1]
    volume = tuple(volume) or VOLUMES[model]
    convolved = tuple(size - width + 1 for size, width in zip(volume, kernel, strict=True))
    pooled = (N_FILTERS, *(size // POOL_SIZE for size in convolved))
    weights, flat, rows = N_FILTERS * math.prod(kernel), math.prod(pooled), []
    streams = {"frame": ""} if model == STCNN else {"eyes": "eyes_", "mouth": "mouth_"}
    for part, prefix in streams.items():
        rows += [
            Layer(part, volume),
            Layer(f"{prefix}convolution", (N_FILTERS, *convolved), weights + N_FILTERS, weights * math.prod(convolved)),
            Layer(f"{prefix}pool", pooled),
            Layer(f"{prefix}dropout_1", pooled),
            Layer(f"{prefix}flatten", (flat,)),
            *(_dense(flat, hidden, prefix) if late else ()),
        ]
    if model == STCNN:  # Table I ends with a dropout, unlike the code
        return [*rows, *_dense(flat, (*hidden, n_classes))]
    joined = 2 * (hidden[-1] if late else flat)
    head = _dense(joined, (n_classes,), first=3) if late else _dense(joined, (*hidden, n_classes))
    return [*rows, Layer("concatenate", (joined,)), *head[:-1]]


def _dense(inputs: int, widths: tuple[int, ...], prefix: str = "", first: int = 1) -> list[Layer]:
    """Dense layers, numbered from `first`, each with the dropout after it."""
    rows = []
    for number, width in enumerate(widths, start=first):
        rows += [
            Layer(f"{prefix}dense_{number}", (width,), (inputs + 1) * width, inputs * width),
            Layer(f"{prefix}dropout_{number + 1}", (width,)),
        ]
        inputs = width
    return rows


def cost(model: str, *sizes) -> tuple[int, int]:
    """Trainable parameters, and multiply-adds of one clip's forward pass; `sizes` are those of `layers`.

    >>> cost("micro_exp_stcnn")
    (44241667, 1405935744)
    """
    rows = layers(model, *sizes)
    return sum(layer.parameters for layer in rows), sum(layer.multiply_adds for layer in rows)


def misprints(model: str) -> dict[str, tuple[str, str]]:
    """Sizes of a network's table that do not follow from the layers above: layer -> (printed, computed)."""
    printed = paper.architecture(model).set_index("layer")["output"]
    computed = {layer.name: "x".join(map(str, layer.size)) for layer in layers(model)}
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
    """{model} takes less computing and less memory than MicroExpSTCNN."""
    size, work = (own / stcnn for own, stcnn in zip(cost(model), cost(STCNN), strict=True))
    evidence = (
        f"At 96 frames it takes {work:.2f} times the multiply-adds of a clip, and {size:.1f} times the memory for "
        "parameters; the search for a face in every frame comes on top. The paper measures no time."
    )
    values = {"multiply_adds": round(work, 3), "parameters": round(size, 3)}
    return (work < 1 if (work < 1) == (size < 1) else None), evidence, values
