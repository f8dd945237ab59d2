"""Runs the notifications service."""

from collections.abc import Sequence
from pathlib import Path

from new_services.kit import arguments_for, create_app, run
from new_services.notifications.keys import read_or_make
from new_services.notifications.service import NAME, service


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m new_services.notifications --port P --database URL --api-key-file FILE [--build ID]``."""
    parser = arguments_for(NAME, "Emails, texts and letters, in the shapes of GOV.UK Notify.")
    parser.add_argument("--api-key-file", type=Path, required=True, help="the API key; made where there is none")
    options = parser.parse_args(arguments)
    asked_with = service(read_or_make(options.api_key_file))
    run(create_app(asked_with, options.build, options.database), options.port, options.host)


if __name__ == "__main__":
    main()
