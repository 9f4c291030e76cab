"""`python -m gyrovox`, where the script is not on the path."""

from gyrovox.cli import main

if __name__ == "__main__":
    main()
