"""Run the command line as ``python -m skmnist``."""

from skmnist.cli import main

if __name__ == "__main__":
    main()
