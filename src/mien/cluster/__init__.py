"""Many files read at once: by several processes of this machine, or of a cluster of machines by Ray."""
