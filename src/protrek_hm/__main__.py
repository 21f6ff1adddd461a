"""`python -m protrek_hm` is `protrek-hm`."""

from protrek_hm.cli.app import main

if __name__ == "__main__":
    main()
