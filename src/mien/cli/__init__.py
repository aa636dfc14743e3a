"""The command line: each verb is a thin shell on one library call. Data on stdout, talk on stderr."""
