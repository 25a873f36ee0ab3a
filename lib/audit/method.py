"""What the text says of the method, against what the released code does."""

from collections import Counter

from lib.audit import paper, released
from lib.audit.finding import Outcome, check, listed
from lib.audit.paper import STCNN

OUTLINE = range(17)  # of dlib's 68 landmarks: the outline of the face, from ear to ear


@check("settings", "text IV-B", "code")
def check_settings() -> Outcome:
    """The networks were trained by SGD with batches of 8 for 100 epochs."""
    said, files = paper.text(), paper.released_files()
    different = {
        name: dict(Counter(str(entry[name]) for entry in files if entry[name] != said[name]))
        for name in ("optimizer", "batch_size", "epochs")
    }
    told = (
        f"{name.replace('_', ' ')} {said[name]} in the text, "
        f"{listed((f'{value} in {n} of {len(files)} files' for value, n in found.items()), ' and ')}"
        for name, found in different.items()
        if found
    )
    evidence = f"Where the code differs: {listed(told, '; ')}."
    return not any(different.values()), evidence, different


@check("input-region", "text III", "code")
def check_input_region() -> Outcome:
    """MicroExpSTCNN reads the face."""
    fed = {entry["path"]: entry["streams"] for entry in paper.released_files() if entry["model"] == STCNN}
    other = [path for path, streams in fed.items() if streams != [paper.text()["stcnn_reads"]]]
    evidence = (
        f"{len(other)} of {len(fed)} files shrink the whole frame, with what surrounds the face, and look for no "
        "face; Figure 4 shows such frames."
    )
    return not other, evidence, {"streams": fed}


@check("fusenet-regions", "text III-B", "code")
def check_fusenet_regions() -> Outcome:
    """MicroExpFuseNet sees the eyes and the mouth only."""
    crops = paper.released_code()["crops"]
    across = [part for part, crop in crops.items() if crop["left"] in OUTLINE and crop["right"] in OUTLINE]
    told = (f"{part} from landmark {crops[part]['left']} to {crops[part]['right']}" for part in across)
    evidence = (
        f"Crops that run from one outline of the face to the other, cheeks and nose included: {listed(told)}. What "
        "such a network lacks cannot be the cheeks."
    )
    return not across, evidence, {"across": across}


@check("alignment", "text III-B", "code")
def check_alignment() -> Outcome:
    """The face is aligned in each frame."""
    files = released.fusenet_files()
    without = [entry["path"] for entry in files if entry["aligns"] != paper.text()["aligned"]]
    evidence = f"{len(without)} of {len(files)} files align nothing: each frame is cut at its own landmarks."
    return not without, evidence, {"without": without}


@check("dense-activation", "text III-A", "code")
def check_dense_activation() -> Outcome:
    """MicroExpSTCNN's dense layers introduce more non-linearity."""
    files = [entry for entry in paper.released_files() if entry["model"] == STCNN]
    without = [entry["path"] for entry in files if entry["dense_activation"] != paper.text()["dense_activation"]]
    evidence = f"In {len(without)} of its {len(files)} files the hidden dense layer has no activation."
    return not without, evidence, {"without": without}


@check("lacking-regions", "text V-A, V-D", "code")
def check_lacking_regions() -> Outcome:
    """What MicroExpFuseNet does not see can be why it does worse than MicroExpSTCNN."""
    evidence = (
        "Its crops hold cheeks and nose and leave out forehead, chin and background. The two differ in layers, and "
        "in the clips that they were scored on, too: nothing that was published tells the causes apart."
    )
    return None, evidence, {}
