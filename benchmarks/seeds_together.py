"""How much faster several seeds train in one program than one after another: whether one run leaves a device idle.

    KERAS_BACKEND=jax python benchmarks/seeds_together.py --dataset smic --seeds 1 2 4 8

The weights of all seeds are stacked, and one training step of plain stochastic gradient descent is mapped over them
with `jax.vmap`; the clips are noise, since their values decide nothing here. The time of a step is the shortest of
several, after the compilation, and what is reported is a ratio: seeds times the step of one, over the step of all. On a
device that one run fills, it is about 1 or less.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.networks import NETWORKS, build
from lib.networks.backend import backend_name, keras
from lib.networks.device import device_name

SHAPES = {  # (height, width, depth) of each stream
    ("smic", "micro_exp_stcnn"): [(64, 64, 18)],
    ("casme2_sq", "micro_exp_stcnn"): [(64, 64, 96)],
    ("smic", "fusenet"): [(32, 32, 18)] * 2,
    ("casme2_sq", "fusenet"): [(32, 32, 96)] * 2,
}
LEARNING_RATE = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=("smic", "casme2_sq"), default="smic")
    parser.add_argument("--model", choices=sorted(NETWORKS), default="micro_exp_stcnn")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    if backend_name() != "jax":
        sys.exit(f"expected KERAS_BACKEND=jax, whose vmap this measures; found {backend_name()}")
    kind = options.model if options.model == "micro_exp_stcnn" else "fusenet"
    shapes = SHAPES[options.dataset, kind]
    one = step_seconds(options.model, shapes, 1, options.batch_size, options.steps)
    rows = {}
    for n_seeds in options.seeds:
        together = step_seconds(options.model, shapes, n_seeds, options.batch_size, options.steps)
        rows[n_seeds] = {"step, ms": 1e3 * together, "times faster than one after another": n_seeds * one / together}
    print(f"{options.model}, {options.dataset}, batch {options.batch_size}, on {device_name()}")
    print(pd.DataFrame(rows).T.rename_axis("seeds").round(2).to_string())


def step_seconds(name: str, shapes: list, n_seeds: int, batch_size: int, steps: int) -> float:
    """The shortest time of one training step of `n_seeds` networks at once."""
    import jax
    import jax.numpy as jnp

    model, weights, states = stacked(name, shapes, n_seeds)
    rng = np.random.default_rng(0)
    inputs = [jnp.asarray(rng.normal(size=(n_seeds, batch_size, *shape)), "float32") for shape in shapes]
    labels = jnp.asarray(rng.integers(0, 3, (n_seeds, batch_size)))

    def step(weights, states, inputs, labels):
        def loss_of(weights):
            predicted, changed = model.stateless_call(
                weights, states, inputs[0] if len(inputs) == 1 else inputs, training=True
            )
            losses = keras.losses.sparse_categorical_crossentropy(labels, predicted)
            return keras.ops.mean(losses), changed

        (loss, changed), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        moved = [weight - LEARNING_RATE * gradient for weight, gradient in zip(weights, gradients, strict=True)]
        return moved, changed, loss

    together = jax.jit(jax.vmap(step))
    shortest = float("inf")
    for number in range(steps + 1):
        start = time.perf_counter()
        weights, states, loss = together(weights, states, inputs, labels)
        loss.block_until_ready()
        if number:  # the first one compiles
            shortest = min(shortest, time.perf_counter() - start)
    return shortest


def stacked(name: str, shapes: list, n_seeds: int):
    """A network, and the weights and states of `n_seeds` networks like it, stacked along a first axis."""
    import jax.numpy as jnp

    weights, states = [], []
    for seed in range(n_seeds):
        keras.utils.set_random_seed(seed)
        model = build(name, shapes[0])
        weights.append([variable.value for variable in model.trainable_variables])
        states.append([variable.value for variable in model.non_trainable_variables])
    return model, *([jnp.stack(one) for one in zip(*kind, strict=True)] for kind in (weights, states))


if __name__ == "__main__":
    main()
