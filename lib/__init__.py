"""Preprocessing, Keras models, training and reporting behind the notebooks of this replication package."""
