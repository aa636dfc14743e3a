"""Which frames are taken of times that are rounded to microseconds."""

import pytest

from mien.io.span import Chooser, VideoSpan


def taken(times: list[float], **span: float) -> list[float]:
    chooser = Chooser(VideoSpan(**span))  # type: ignore[arg-type]
    return [time for index, time in enumerate(times) if chooser.takes(index, time) and not chooser.is_over(time)]


@pytest.mark.parametrize("every", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("short", [0.0, 1e-6])
def test_a_frame_a_rounding_before_its_time_is_the_one_and_no_other_follows(every: float, short: float) -> None:
    times = [0.0, every - 0.04, every - short, every + 0.04, 2 * every - 0.04, 2 * every - short, 2 * every + 0.04, 3 * every - short]
    assert taken(times, every=every) == [times[i] for i in (0, 2, 5, 7)]
    assert taken(times, start=every, stop=2 * every) == times[2:5]
