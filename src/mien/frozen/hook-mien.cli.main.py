"""The verbs of the command are imported when they are called, by names that are text: programs without the command do not need them."""

from mien.cli.main import VERBS

hiddenimports = sorted({home.partition(":")[0] for home, _ in VERBS.values()})
