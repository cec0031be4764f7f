"""`python -m assistant` is `diamond-assistant`."""

from assistant.cli import main

main()
