"""What goes in: pictures from bytes, files, folders, patterns, stdin, URLs and arrays."""
