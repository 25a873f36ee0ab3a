"""The gradient of a network's class score with respect to its input: the one place with code for each Keras backend.

Keras 3 computes gradients while it trains and offers no call for them. What is made of the gradient stands in the
chapter on saliency.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lib.networks.backend import backend_name, keras

Gradient = Callable[[Sequence[np.ndarray], np.ndarray], tuple[np.ndarray, ...]]


def score_model(model: "keras.Model") -> "keras.Model":
    """The same network, weights shared, up to the class scores before softmax: (batch, n_classes).

    Every network of `lib.networks` ends in a layer called "softmax"; Keras raises a ValueError for one that does not.
    """
    return keras.Model(model.inputs, model.get_layer("softmax").input, name=f"{model.name}_scores")


def score_gradient(model: "keras.Model", batch_size: int = 8) -> Gradient:
    """Make the function that differentiates a class score of each clip by every value of the clip.

    The score is taken before softmax, as in Simonyan et al. (2014): the gradient of a probability is also large where
    another class loses. Dropout is off. The function reads the weights at each call, so that they may be changed
    between calls; it is compiled once. `batch_size` decides memory and nothing else.

    Returns
    -------
    function of (volumes, classes)
        `volumes` is a tuple of arrays (n, height, width, depth), one for each input; `classes` is (n,) int, the class
        whose score is differentiated for each clip. Returns a tuple of float32 arrays of the shapes of `volumes`.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks: visualising image classification models and
    saliency maps", ICLR workshop 2014, https://arxiv.org/abs/1312.6034.
    """
    scores = score_model(model)
    n_inputs, n_classes = len(model.inputs), model.output.shape[-1]
    of_batch = _OF_BATCH[backend_name()](scores)

    def gradient(volumes: Sequence[np.ndarray], classes: np.ndarray) -> tuple[np.ndarray, ...]:
        classes = np.asarray(classes)
        if len(volumes) != n_inputs or any(len(volume) != len(classes) for volume in volumes):
            raise ValueError(
                f"expected {n_inputs} arrays with {len(classes)} clips, found lengths {[len(one) for one in volumes]}"
            )
        chosen = np.eye(n_classes, dtype=np.float32)[classes]  # (n, n_classes)
        result = tuple(np.empty(volume.shape, np.float32) for volume in volumes)
        for start in range(0, len(classes), batch_size):
            part = slice(start, start + batch_size)
            found = of_batch(tuple(np.asarray(volume[part], np.float32) for volume in volumes), chosen[part])
            for whole, piece in zip(result, found, strict=True):
                whole[part] = piece
        return result

    return gradient


# === One function for each backend: (scores) -> (volumes, chosen) -> gradients ===
# Clips do not mix in a network that is not training, so the gradient of the summed scores holds that of each clip.


def _tensorflow(scores: "keras.Model") -> Callable:
    import tensorflow as tf

    @tf.function(
        # a batch of any size without tracing anew
        input_signature=[
            tuple(tf.TensorSpec(one.shape, tf.float32) for one in scores.inputs),
            tf.TensorSpec((None, scores.output.shape[-1]), tf.float32),
        ],
        jit_compile=False,  # XLA makes this ten times slower on a CPU
    )
    def gradients(volumes, chosen):  # one graph for both ways: the 3-D max-pool's gradient is 80 times slower outside
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(volumes)
            total = tf.reduce_sum(scores(list(volumes), training=False) * chosen)
        return tape.gradient(total, volumes)

    return lambda volumes, chosen: tuple(one.numpy() for one in gradients(volumes, chosen))


def _jax(scores: "keras.Model") -> Callable:
    import jax

    def total(volumes, trainable, non_trainable, chosen):
        found, _ = scores.stateless_call(trainable, non_trainable, list(volumes), training=False)
        return (found * chosen).sum()

    gradients = jax.jit(jax.grad(total))

    def of_batch(volumes, chosen):
        trainable = [variable.value for variable in scores.trainable_variables]
        non_trainable = [variable.value for variable in scores.non_trainable_variables]
        return tuple(np.asarray(one) for one in gradients(volumes, trainable, non_trainable, chosen))

    return of_batch


def _torch(scores: "keras.Model") -> Callable:
    import torch

    def of_batch(volumes, chosen):
        leaves = [keras.ops.convert_to_tensor(volume).detach().requires_grad_() for volume in volumes]
        with torch.enable_grad():
            total = (scores(leaves, training=False) * keras.ops.convert_to_tensor(chosen)).sum()
            found = torch.autograd.grad(total, leaves)
        return tuple(one.detach().cpu().numpy() for one in found)

    return of_batch


_OF_BATCH = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
