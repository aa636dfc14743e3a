"""Search for the settings of a training: a space as data, a study that survives being ended, and what it found as a page."""
