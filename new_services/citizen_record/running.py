"""How the citizen record is started: with the notifications service behind it, or without."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from new_services.citizen_record.sender import sending
from new_services.citizen_record.service import telling
from new_services.database import Database
from new_services.kit import Service, arguments_for, create_app, run


def main(service: Service, description: str, arguments: Sequence[str] | None = None) -> None:
    """``--port P --database URL [--build ID] [--notifications URL --notifications-key-file FILE]``."""
    parser = arguments_for(service.name, description)
    parser.add_argument("--notifications", metavar="URL", help="where letters and texts are asked for; none without it")
    parser.add_argument("--notifications-key-file", metavar="FILE", type=Path, help="its API key")
    options = parser.parse_args(arguments)
    if (options.notifications is None) != (options.notifications_key_file is None):
        parser.error("say both --notifications and --notifications-key-file, or neither")
    if options.notifications is None:
        run(create_app(service, options.build, options.database), options.port, options.host)
        return

    def background(database: Database) -> AbstractAsyncContextManager[None]:
        return sending(database, options.notifications, options.notifications_key_file)

    app = create_app(telling(service), options.build, options.database, background=background)
    run(app, options.port, options.host)
