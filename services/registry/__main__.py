"""`python -m services.registry`."""

from services.registry.main import main

if __name__ == "__main__":
    main()
