"""`python -m railway_saas.cli`."""

from railway_saas.cli import main

main()
