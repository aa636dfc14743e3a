"""What one worker reads at a time."""

from mien.cluster.blocks import blocks


def test_pictures_come_some_at_a_time_and_videos_alone_in_their_order() -> None:
    names = [*(f"{i}.jpg" for i in range(5)), "a.mp4", "b.MOV", "6.png", "https://example.org/x"]
    found = list(blocks(names, most=3))
    assert found == [("0.jpg", "1.jpg", "2.jpg"), ("3.jpg", "4.jpg"), ("a.mp4",), ("b.MOV",), ("6.png", "https://example.org/x")]
    assert list(blocks([])) == []


def test_names_are_taken_as_they_are_needed() -> None:
    taken = []
    found = blocks((taken.append(i) or f"{i}.jpg" for i in range(100)), most=2)  # type: ignore[func-returns-value]
    next(found)
    assert len(taken) == 3
