"""`python -m temporal_devserver`: the command line."""

from ._cli import main

main()
