"""What goes in: pictures and videos from bytes, files, folders, patterns, stdin and URLs, cameras, and arrays."""
