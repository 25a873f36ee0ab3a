import pytest
from synthetic_faces import FakeDetector

from lib.preprocessing import landmarks


@pytest.fixture
def fake_faces(monkeypatch):
    """Preprocess with the fake detector; the list grows by one entry per frame searched."""
    searched = []

    class Counting(FakeDetector):
        def faces(self, image, upsample, shrink=True):
            searched.append(image[0, 0].tolist())
            return super().faces(image, upsample, shrink)

    monkeypatch.setattr(landmarks, "DlibDetector", Counting)
    return searched
