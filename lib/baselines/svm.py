"""A support vector machine as these methods use it: scikit-learn's, one class against one, its answer as a vote."""

from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


@dataclass(frozen=True)
class FittedSVM:
    """A machine that was fitted on some clips."""

    machine: object
    n_classes: int

    @property
    def n_parameters(self) -> int:
        """Numbers that were learned: the planes of a linear machine, else support vectors and their weights."""
        svc = self.machine[-1]
        learned = [svc.coef_] if svc.kernel == "linear" else [svc.support_vectors_, svc.dual_coef_]
        return sum(array.size for array in (*learned, svc.intercept_))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(n, d) features -> (n, n_classes): 1 for the class that most of the pairwise machines choose, else 0."""
        return np.eye(self.n_classes)[self.machine.predict(features)]


def fit_svm(
    features: np.ndarray, labels: np.ndarray, n_classes: int, kernel: str, cost: float, degree: int = 3, scale=False
) -> FittedSVM:
    """Fit on (n, d) features.

    Parameters
    ----------
    kernel : {"linear", "rbf", "poly"}
        The width of the last two is 1 / (d times the features' variance), scikit-learn's default.
    cost : float
        The price C of a clip on the wrong side.
    degree : int
        Of a polynomial kernel.
    scale : bool
        Whether features are first brought to mean 0 and deviation 1 over the clips that are fitted.
    """
    svc = SVC(kernel=kernel, C=cost, degree=degree)
    machine = make_pipeline(StandardScaler(), svc) if scale else make_pipeline(svc)
    return FittedSVM(machine.fit(features, labels), n_classes)
