"""The process of the Prefect server of one run.

``flows.workers.server`` starts it with the number of a listening socket. It says a line once it
serves, and ends when its standard input closes, that is, when its parent ends in whatever way.
"""

from __future__ import annotations

import socket
import sys

from flows.workers import processes


def main() -> None:
    """Serve Prefect's API on the socket whose number is the first argument."""
    processes.end_with_parent()
    with processes.importing():
        import uvicorn
        from prefect.server.api.server import create_app

        from flows.workers import migrations

        app = create_app()

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            migrations.note()
            print("serving", flush=True)

    config = uvicorn.Config(app, log_level="error", lifespan="on")
    with migrations.left_out_if_done():
        Announced(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
