"""Make the pictures in examples/ from two PyPI packages.

    pip download --no-deps scikit-image==0.26.0                              # astronaut, cameraman, coffee
    pip download --no-deps --no-binary :all: face_recognition==1.3.0         # official White House photographs
    python tools/make_examples.py scikit_image-0.26.0-*.whl face_recognition-1.3.0.tar.gz

Sources and rights are in examples/README.md. The photographs keep the description, photographer and notice of their EXIF.
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

from PIL import Image

OUT = Path(__file__).parents[1] / "examples"
QUALITY = 88
NOTICE = (0x010E, 0x013B, 0x8298)  # ImageDescription, Artist, Copyright

Box = tuple[int, int, int, int]


def from_wheel(path: Path, name: str) -> Image.Image:
    with zipfile.ZipFile(path) as wheel:
        return Image.open(io.BytesIO(wheel.read(f"skimage/data/{name}"))).convert("RGB")


def from_sdist(path: Path, name: str) -> Image.Image:
    with tarfile.open(path) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(f"tests/test_images/{name}"))
        file = archive.extractfile(member)
        assert file is not None
        return Image.open(io.BytesIO(file.read()))


def cut(picture: Image.Image, box: Box, *, height: int) -> Image.Image:
    """A part of a picture, brought to a height."""
    part = picture.convert("RGB").crop(box)
    return part.resize((round(part.width * height / part.height), height), Image.Resampling.LANCZOS)


def beside(parts: list[Image.Image], *, gap: int = 6) -> Image.Image:
    """Pictures of one height in a row on white."""
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    row = Image.new("RGB", (width, parts[0].height), "white")
    x = 0
    for part in parts:
        row.paste(part, (x, 0))
        x += part.width + gap
    return row


def save(picture: Image.Image, name: str, *, notice_of: Image.Image | None = None, description: str = "") -> None:
    exif = Image.Exif()
    if notice_of is not None:
        theirs = notice_of.getexif()
        for tag in NOTICE:
            if tag in theirs:
                exif[tag] = theirs[tag]
    if description:
        exif[NOTICE[0]] = description
    picture.convert("RGB").save(OUT / name, quality=QUALITY, optimize=True, exif=exif)
    print(f"{name}: {picture.width}x{picture.height}, {(OUT / name).stat().st_size:,} bytes")


def main(wheel: Path, sdist: Path) -> None:
    astronaut, cameraman, coffee = (from_wheel(wheel, name) for name in ("astronaut.png", "camera.png", "coffee.png"))
    portrait, biden, speech = (from_sdist(sdist, name) for name in ("obama.jpg", "biden.jpg", "obama2.jpg"))
    save(astronaut, "astronaut.jpg")
    save(portrait.resize((720, 900), Image.Resampling.LANCZOS), "portrait.jpg", notice_of=portrait)
    save(speech.crop((0, 0, 626, 900)), "speech.jpg", notice_of=speech)
    save(cameraman, "cameraman.jpg")
    save(coffee, "coffee.jpg")
    row = beside(
        [
            cut(astronaut, (60, 0, 400, 400), height=480),
            cut(biden, (140, 0, 970, 950), height=480),
            cut(cameraman, (40, 20, 390, 420), height=480),
            cut(portrait, (170, 0, 770, 760), height=480),
        ]
    )
    save(row, "group.jpg", notice_of=portrait, description="A montage of four photographs, not one occasion. Sources: examples/README.md")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
