"""The whole pipeline on the embedded stack, as a person meets it: processes, files, exit codes."""
