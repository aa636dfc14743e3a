"""A drawer of one's own: any callable from a picture and its mien.Result to the picture that is shown or written."""

from pathlib import Path

from PIL import Image

import mien


def spotlight(image, result):
    """Everything but the faces goes dark."""
    out = image // 4
    for x1, y1, x2, y2 in result.faces.boxes.clip(0).astype(int):
        out[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return out


mien.register_drawer("spotlight", spotlight)

for pair in mien.analyze(Path(__file__).with_name("group.jpg")).pairs():
    Image.fromarray(spotlight(pair.frame.image, pair.result)).save("spotlight.jpg")
    print("spotlight.jpg")
