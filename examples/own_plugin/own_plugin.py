"""What the entry point names: a function that registers parts, called when mien meets a name it does not know."""

import mien


def square(image):
    """Takes the square in the middle for a face: for pictures from a photo booth."""
    height, width = image.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return mien.Faces.without_points([[left, top, left + side, top + side]], scores=[1.0])


def register():
    mien.register_detector("square", lambda variant="", **options: square)
