"""Gradients of a class score, the networks they are taken of, and the parts of the face and the motion beneath them."""
