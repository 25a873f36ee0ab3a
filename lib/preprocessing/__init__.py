"""From the frames of a clip to the arrays a network reads: landmarks, regions, volumes, and the processed store."""

from lib.preprocessing.config import STREAMS, PreprocessConfig, default_config
from lib.preprocessing.pipeline import preprocess
from lib.preprocessing.store import ProcessedStore, cached_key, open_store

__all__ = ["STREAMS", "PreprocessConfig", "ProcessedStore", "cached_key", "default_config", "open_store", "preprocess"]
