"""Weights, pages and fonts lie beside the code, OpenCV's cascades beside its own, and some modules are named by text alone: PyInstaller
sees none of them by itself. `mien doctor` reads the versions of packages."""

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

from mien import _HOME

datas = collect_data_files("mien") + collect_data_files("cv2", subdir="data") + copy_metadata("mien", recursive=True)
hiddenimports = sorted({home.partition(":")[0] for home in _HOME.values()} | {"onnxruntime"})
