"""Times the PyPI package `fer`; run by the Python it is installed in, not by mien's.

fer_worker.py RUNS PICTURE...      one core: detect_emotions on pictures
fer_worker.py video FRAMES CLIP    all cores: fer's Video.analyze with an annotated video as output
fer_worker.py crops JOB            one core: fer's emotion network on ready-made crops; JOB as for node_worker.mjs
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
VIDEO = sys.argv[1] == "video"
if not VIDEO:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def give_nms(torch) -> None:
    """The torchvision wheel brings no compiled operators for a CPU torch, and does not import without this one."""

    def nms(boxes, scores, most):
        order, kept = scores.argsort(descending=True), []
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        while len(order):
            first, order = order[0], order[1:]
            kept.append(first)
            low, high = torch.maximum(boxes[first, :2], boxes[order, :2]), torch.minimum(boxes[first, 2:], boxes[order, 2:])
            shared = (high - low).clamp(min=0).prod(dim=1)
            order = order[shared / (area[first] + area[order] - shared) <= most]
        return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)

    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # declared for the import, never called
    library.impl("nms", nms, "CPU")
    KEEP.append(library)
    import torchvision

    torchvision.ops.boxes._assert_has_ops = lambda: None


KEEP = []


def video(frames: int, clip: str) -> None:
    """Frames a second of fer's own video loop over the first `frames` frames, decoding, drawing and writing included."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), tempfile.TemporaryDirectory() as folder:
        import cv2
        import torch

        give_nms(torch)
        from fer.classes import Video
        from fer.fer import FER

        rows = []
        for name, mtcnn in (("fer (Haar)", False), ("fer (MTCNN)", True)):
            model = FER(mtcnn=mtcnn)
            model.detect_emotions(cv2.imread(str(first_frame(cv2, clip, folder))))
            began = time.perf_counter()
            found = Video(clip, outdir=folder).analyze(
                model, display=False, max_results=frames, save_frames=False, save_video=True, annotate_frames=True, zip_images=False
            )
            took = time.perf_counter() - began
            rows.append({"what": name, "frames": len(found), "per_s": round(len(found) / took, 2)})
    print(json.dumps({"rows": rows}))


def first_frame(cv2, clip: str, folder: str) -> str:
    _, image = cv2.VideoCapture(clip).read()
    path = os.path.join(folder, "first.png")  # noqa: PTH118
    cv2.imwrite(path, image)
    return path


def main() -> None:
    runs, pictures = int(sys.argv[1]), sys.argv[2:]
    with contextlib.redirect_stdout(io.StringIO()):
        import cv2
        import torch

        give_nms(torch)
        from fer.fer import FER

        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        rows = []
        for name, mtcnn in (("fer (Haar)", False), ("fer (MTCNN)", True)):
            model = FER(mtcnn=mtcnn)
            for path in pictures:
                image = cv2.imread(path)
                for _ in range(3):
                    found = model.detect_emotions(image)
                took = []
                for _ in range(runs):
                    began = time.perf_counter()
                    model.detect_emotions(image)
                    took.append((time.perf_counter() - began) * 1000)
                took.sort()
                rows.append(
                    {
                        "who": name,
                        "picture": path,
                        "faces": len(found),
                        "mean_ms": sum(took) / len(took),
                        "median_ms": took[len(took) // 2],
                        "p95_ms": took[int(len(took) * 0.95)],
                    }
                )
    print(json.dumps(rows))


def crops(job: str) -> None:
    """The network that fer takes by default, by the lines of its detect_emotions: grey, 64x64, -1..1. Its scores are not rounded here."""
    with open(job) as file:  # noqa: PTH123
        wanted = json.load(file)
    with contextlib.redirect_stdout(io.StringIO()):
        import cv2
        import numpy as np
        import torch

        give_nms(torch)
        import fer
        from fer.fer import FER

        model = FER()
    cv2.setNumThreads(1)
    pixels = np.fromfile(wanted["pixels"], np.uint8).reshape(wanted["n"], wanted["side"], wanted["side"], 3)

    def read(faces):
        grey = [cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (64, 64)) for face in faces]
        return model._classify_emotions((np.array(grey, "float32") / 255.0 - 0.5) * 2.0)

    weights = os.path.join(os.path.dirname(fer.__file__), "data", "emotion_model_quantized.tflite")  # noqa: PTH118, PTH120
    labels = list(model._get_labels().values())
    answer = {"labels": labels, "megabytes": os.path.getsize(weights) / 1e6, "backend": "TensorFlow Lite", "took_ms": {}, "probs": []}  # noqa: PTH202
    for size, runs in wanted["runs"].items():
        some = pixels[np.arange(int(size)) % len(pixels)]
        took = []
        for _ in range(runs + 3):
            began = time.perf_counter()
            read(some)
            took.append((time.perf_counter() - began) * 1000)
        answer["took_ms"][size] = took[3:]
    if not wanted["runs"]:
        answer["probs"] = read(pixels).tolist()
    with open(wanted["answer"], "w") as file:  # noqa: PTH123
        json.dump(answer, file)


if VIDEO:
    video(int(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == "crops":
    crops(sys.argv[2])
else:
    main()
