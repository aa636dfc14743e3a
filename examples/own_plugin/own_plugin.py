"""What the entry point names: a function that registers parts, called when mien meets a name it does not know."""

import mien


def whole(image):
    """Takes the whole picture for a face: for ready-made crops."""
    height, width = image.shape[:2]
    return mien.Faces.without_points([[0, 0, width, height]], scores=[1.0])


def register():
    mien.register_detector("whole", lambda variant="", **options: whole)
