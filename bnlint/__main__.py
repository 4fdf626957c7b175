"""`python -m bnlint`."""

import os
import sys

if __name__ == "__main__":
    # `python -m` puts the working folder first: its click.py or json.py would be imported, and so run.
    if sys.path[0] == os.getcwd() != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        del sys.path[0]

    from .cli.main import main

    main(prog_name="python -m bnlint")
