"""The testinfra suite itself. Each test is one check; its sentence stands in the catalogue under its name."""
