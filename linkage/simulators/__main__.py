"""``python -m linkage.simulators city|agencies``: the simulators without Django, as ``manage.py simulate``."""

import argparse
import sys

from linkage.simulators import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    cli.add_arguments(parser)
    sys.exit(cli.run(parser.parse_args()))
