"""What is made of an input is named after the folder that it was read from."""

from pathlib import Path, PurePath

from mien.sinks.originals import Originals


def test_a_folder_within_another_gives_its_own_names(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a", tmp_path / "a" / "deep" / "er"
    inner.mkdir(parents=True)
    for inputs in ([outer, inner], [inner, outer]):
        originals = Originals.of(inputs)
        assert originals.roots == (str(inner), str(outer))
        assert originals.name(str(inner / "x" / "1.jpg")) == PurePath("x/1.jpg")
        assert originals.name(str(outer / "deep" / "2.jpg")) == PurePath("deep/2.jpg")
