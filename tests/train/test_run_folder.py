"""The folder of a run."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.errors import SinkError, UsageError  # noqa: E402
from mien.train.curves import read_metrics  # noqa: E402
from mien.train.run_folder import RunFolder  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402


def test_checkpoints_that_a_killed_run_left_half_written_go(tmp_path: Path) -> None:
    (tmp_path / f".mien-{os.getpid()}-4.part").write_bytes(b"half")
    (tmp_path / f".mien-{os.getppid()}-4.part").write_bytes(b"another process writes it")
    RunFolder(tmp_path).begin(TINY, {}, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {f".mien-{os.getppid()}-4.part", "config.json", "run.json", "metrics.jsonl"}


def test_a_full_disk_is_one_line_and_the_last_state_stays(tmp_path: Path) -> None:
    """A limit on the size of files refuses to write as a full disk does."""
    resource = pytest.importorskip("resource", reason="this system has no such limit")
    run = RunFolder(tmp_path)
    run.save(run.last, {"ema": torch.ones(4)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(SinkError, match=r"last\.pt: cannot be written \("):
            run.save(run.last, {"ema": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert torch.equal(torch.load(run.last, weights_only=True)["ema"], torch.ones(4))
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_run_whose_data_are_named_or_left_out_otherwise_by_now_says_so(tmp_path: Path) -> None:
    """As when several sets of FER-2013, which had all been called fer2013, got the names of their files."""
    run = RunFolder(tmp_path / "run")
    began = {"data": "a" * 64, "rows": [67, 17], "sources": ["fer2013"], "detector": "yunet"}
    run.begin(TINY, began, resume=False)
    run.save(run.last, {"history": []})
    record = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(record | {"commit": "0ld", "versions": {"mien": "0.0.9"}}))
    for now, changes in (
        (
            {"data": "b" * 64, "rows": [65, 17], "sources": ["first", "second"]},
            f"hash: {'a' * 20} then, {'b' * 20} now; rows: 67 + 17 then, 65 + 17 now; sources: fer2013 then, first + second now. ",
        ),
        ({"rows": [65, 17]}, "rows: 67 + 17 then, 65 + 17 now. "),
    ):
        with pytest.raises(UsageError) as refused:
            run.begin(TINY, began | now, resume=True)
        said = str(refused.value)
        assert said.startswith(f"{run.path}: cannot go on with other data: {changes}Either the files were changed, or mien 0.0.9 0ld, ")
        assert said.endswith("go on with the files and the mien that it began with, or begin anew under another --out or name")
        assert "\n" not in said
    assert run.begin(TINY, began | {"sources": ["renamed"]}, resume=True) == {"history": []}  # under the same ids


def test_a_run_with_another_detector_names_the_option(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(TINY, {"data": "a" * 64, "detector": "haar:a/cascade/of/mine.xml"}, resume=False)
    run.save(run.last, {"history": []})
    with pytest.raises(UsageError, match=r"another detector: .* yunet now; give --detector haar:a/cascade/of/mine\.xml, or begin anew"):
        run.begin(TINY, {"data": "a" * 64, "detector": "yunet"}, resume=True)


def test_metrics_are_json_where_a_figure_is_no_number(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.begin(TINY, {}, resume=False)
    run.add({"epoch": 0, "val_loss": 1.5, "val_ccc_valence": math.nan})

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    line = run.metrics_file.read_text()
    assert json.loads(line, parse_constant=refused) == {"epoch": 0, "val_loss": 1.5, "val_ccc_valence": None}
    assert math.isnan(read_metrics(tmp_path)["val_ccc_valence"][0])
    state = {"history": [{"epoch": 0, "val_ccc_valence": math.nan}]}
    run.save(run.last, state)
    run.begin(TINY, {}, resume=True)  # which writes the lines anew
    json.loads(run.metrics_file.read_text(), parse_constant=refused)


def test_a_run_that_is_there_is_known_before_anything_is_read(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.check_free()
    run.save(run.last, {})
    with pytest.raises(UsageError, match="a run is there already; go on with it by --resume"):
        run.check_free()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SinkError, match=r"file/run: cannot be written"):
        RunFolder(tmp_path / "file" / "run").begin(TINY, {}, resume=False)


@pytest.mark.skipif(sys.platform == "win32", reason="there the encoding is the country's, and no variable tells another")
def test_names_of_any_letters_are_kept_whatever_the_systems_encoding(tmp_path: Path) -> None:
    """Under a locale of ASCII, as under one of a country: Windows has such until Python 3.15."""
    code = (
        "import sys; from pathlib import Path; from mien.train.run_folder import RunFolder; from tests.train.conftest import TINY\n"
        "run = RunFolder(Path(sys.argv[1])); run.begin(TINY, {'sources': ['Gesichter \\xdf \\u044f']}, resume=False)\n"
        "assert run.about()['sources'] == ['Gesichter \\xdf \\u044f']"
    )
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, env=ascii_only, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads((tmp_path / "run.json").read_bytes())["sources"] == ["Gesichter ß я"]
