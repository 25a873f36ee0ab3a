"""Stand-in datasets: rendered faces of people who do not exist, in the layouts of SMIC and CAS(ME)2.

They let every chapter run on a machine without the licensed data, and carry the truth of what moved. Nothing measured
on them is evidence about real micro-expressions.
"""

from lib.standin.plan import plan_standin
from lib.standin.truth import read_truth
from lib.standin.writer import DEFAULT_DIFFICULTY, GENERATOR_VERSION, STANDINS, write_standin

__all__ = ["DEFAULT_DIFFICULTY", "GENERATOR_VERSION", "STANDINS", "plan_standin", "read_truth", "write_standin"]
