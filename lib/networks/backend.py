"""What Keras is told that decides bits: precision, determinism, compilation. A run's name covers this file.

Everything else in `lib` uses `keras` and `keras.ops` alone and imports `keras` from here, so that what a user's own
`~/.keras/keras.json` or environment says of precision or of a limit on epochs decides nothing.
"""

from lib.networks.startup import import_keras

keras = import_keras()


def settle() -> None:
    """Set what `keras.json` and the environment could have set otherwise, to Keras' own defaults."""
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


settle()


def backend_name() -> str:
    """``"tensorflow"``, ``"jax"`` or ``"torch"``."""
    return keras.config.backend()


def jit_compile() -> bool:
    """What `Model.compile` is told. On two CPU cores, XLA makes a TensorFlow step ten times slower; JAX needs it."""
    return backend_name() == "jax"


def make_deterministic(seed: int) -> None:
    """Seed every generator of the process and ask the backend for operations that give the same bits each time.

    Python's and NumPy's global generators are seeded too, because Keras draws the seeds of its layers from them.
    TensorFlow is also told to take GPU memory as it needs it, not all of it at once.
    """
    settle()
    keras.utils.set_random_seed(seed)
    if backend_name() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        tensorflow.get_logger().setLevel("ERROR")  # it warns of retracing, which every new network needs once
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            try:
                tensorflow.config.experimental.set_memory_growth(gpu, True)
            except RuntimeError:  # the process has used the GPU already: its memory is taken
                break
    elif backend_name() == "torch":
        import torch

        # a warning where CUDA has no deterministic kernel (the gradient of a 3-D max-pool), rather than no run
        torch.use_deterministic_algorithms(True, warn_only=True)
