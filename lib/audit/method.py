"""What the text says of the method, against what the released code does."""

from collections import Counter

from lib.audit import paper, released
from lib.audit.finding import Finding

OUTLINE = range(17)  # of dlib's 68 landmarks: the outline of the face, from ear to ear


def check_settings() -> Finding:
    """Whether the code trains with the optimiser, the batches and the epochs that the text gives."""
    said, files = paper.text(), paper.released_files()
    different = {
        name: dict(Counter(str(entry[name]) for entry in files if entry[name] != said[name]))
        for name in ("optimizer", "batch_size", "epochs")
    }
    words = {"optimizer": "optimiser", "batch_size": "batch size", "epochs": "epochs"}
    told = [
        f"{words[name]} {said[name]} in the text, "
        f"{' and '.join(f'{value} in {n} of {len(files)} files' for value, n in found.items())}"
        for name, found in different.items()
        if found
    ]
    return Finding(
        id="settings",
        table="text IV-B",
        statement="The networks were trained by SGD with batches of 8 for 100 epochs",
        status="contradicted" if told else "holds",
        evidence=f"{'; '.join(told)[:1].upper()}{'; '.join(told)[1:]}." if told else "All files have these settings.",
        values=different,
        rests_on="code",
    )


def check_input_region() -> Finding:
    """Whether MicroExpSTCNN is fed with faces."""
    fed = {entry["path"]: entry["streams"] for entry in paper.released_files() if entry["model"] == "micro_exp_stcnn"}
    said = paper.text()["stcnn_reads"]
    other = [path for path, streams in fed.items() if streams != [said]]
    return Finding(
        id="input-region",
        table="text III",
        statement="MicroExpSTCNN reads the face",
        status="contradicted" if other else "holds",
        evidence="The code shrinks the whole frame, with what surrounds the face, and looks for no face; Figure 4 "
        "shows such frames."
        if other
        else "Both files cut out the face.",
        values={"streams": fed},
        rests_on="code",
    )


def check_fusenet_regions() -> Finding:
    """Whether the crops of MicroExpFuseNet leave out the cheeks: they do not if they reach the outline of the face."""
    crops = paper.released_code()["crops"]
    across = [part for part, crop in crops.items() if crop["left"] in OUTLINE and crop["right"] in OUTLINE]
    return Finding(
        id="fusenet-regions",
        table="text III-B",
        statement="MicroExpFuseNet sees the eyes and the mouth only",
        status="contradicted" if across else "holds",
        evidence=(
            f"The crops of {' and '.join(across)} run from one outline of the face to the other (landmarks "
            + ", ".join(f"{crops[part]['left']} to {crops[part]['right']}" for part in across)
            + "): cheeks and nose are in them, and cannot be what the network lacks."
            if across
            else "No crop reaches the outline of the face."
        ),
        values={"across": across},
        rests_on="code",
    )


def check_alignment() -> Finding:
    """Whether faces are aligned before eyes and mouth are cut out."""
    without = [entry["path"] for entry in released.fusenet_files() if entry["aligns"] != paper.text()["aligned"]]
    return Finding(
        id="alignment",
        table="text III-B",
        statement="The face is aligned in each frame",
        status="contradicted" if without else "holds",
        evidence=f"{len(without)} of {len(released.fusenet_files())} files align nothing: each frame is cut at its "
        "own landmarks.",
        values={"without": without},
        rests_on="code",
    )


def check_dense_activation() -> Finding:
    """Whether the hidden dense layers add a non-linearity."""
    said = paper.text()["dense_activation"]
    without = [entry["path"] for entry in paper.released_files() if entry["dense_activation"] != said]
    return Finding(
        id="dense-activation",
        table="text III-A",
        statement="The dense layers introduce more non-linearity",
        status="contradicted" if without else "holds",
        evidence=f"In {len(without)} of {len(paper.released_files())} files, those of MicroExpFuseNet, hidden dense "
        "layers have no "
        "activation: one after the other they are one linear map."
        if without
        else "Hidden dense layers have an activation in all files.",
        values={"without": without},
        rests_on="code",
    )
