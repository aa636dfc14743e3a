"""What the features of a model are good for, and how far they tell people apart: the figures of docs/python.md.

    python tools/measure_features.py ../shared/data

The folder holds ckplus48.npz and jaffe.npz; scikit-learn is needed. Crops are aligned as by `mien evaluate --faces crop`.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mien.models.detectors.registry import detector
from mien.models.features import Features
from mien.models.landmarks import find_in_crop
from mien.models.registry import recogniser
from mien.vision.align import align, whole_frame_points

MODELS = ("base", "large", "tiny")
SEEDS = 5


def seen(see: Features, crop, pixels: np.ndarray):
    """Emotions and features of grey pictures, uint8 (n, H, W)."""
    find = detector("yunet", threads=1)
    crops = []
    for picture in np.repeat(pixels[..., None], 3, axis=3):
        points = find_in_crop(picture, find)
        if not np.isfinite(points).all():
            points = whole_frame_points(picture.shape[1], picture.shape[0])
        crops.append(align(picture, points[None], crop)[0])
    return see.read(np.stack(crops))


def classifier(emotions, features: np.ndarray, file) -> str:
    """Seven labels of people whom the classifier on the features did not see, beside the model's own seven."""
    names = [str(name) for name in file["classes"]]
    own = emotions.probs[:, [emotions.labels.index(name) for name in names]].argmax(axis=1)
    learnt = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=1000))
    found = cross_val_predict(learnt, features, file["label"], groups=file["subject"], cv=LeaveOneGroupOut())
    return f"the model's own {(own == file['label']).mean():.3f}, a classifier on the features {(found == file['label']).mean():.3f}"


def same_person(vectors: np.ndarray, people: np.ndarray, labels: np.ndarray) -> float:
    """AUC by which the cosine of two pictures tells one person from two, of pairs that show different expressions."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.triu_indices(len(unit), 1)
    different = labels[pairs[0]] != labels[pairs[1]]
    return float(roc_auc_score((people[pairs[0]] == people[pairs[1]])[different], (unit @ unit.T)[pairs][different]))


def learnt_to_compare(features: np.ndarray, people: np.ndarray, labels: np.ndarray) -> float:
    """The same after a linear discriminant analysis that learnt who is who from the pictures of half of the people; of the others."""
    found = []
    for seed in range(SEEDS):
        half = np.random.default_rng(seed).permutation(np.unique(people))[::2]
        train = np.isin(people, half)
        analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(features[train], people[train])
        turned = analysis.transform(features[~train])
        found.append(same_person(turned - turned.mean(axis=0), people[~train], labels[~train]))
    return float(np.mean(found))


def main(folder: Path) -> None:
    for name in MODELS:
        model = recogniser(name, threads=1)
        see = Features(model, threads=1)
        with np.load(folder / "jaffe.npz") as jaffe:
            print(f"{name}: JAFFE, each person held out: {classifier(*seen(see, model.crop, jaffe['pixels']), jaffe)}", flush=True)
        with np.load(folder / "ckplus48.npz") as ck:
            features = seen(see, model.crop, ck["pixels"])[1].astype(np.float64)
            who = ck["subject"], ck["label"]
        print(
            f"{name}: CK+, one person or two, different expressions: AUC {same_person(features, *who):.3f}, "
            f"learnt from others' pictures {learnt_to_compare(features, *who):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
