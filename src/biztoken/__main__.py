"""`python -m biztoken` is the command `biztoken`."""

from biztoken.cli import main

main()
