"""Gradients of a class score, the maps made of them, their regions, and what is measured on them."""
