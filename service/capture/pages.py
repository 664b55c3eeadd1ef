"""Route `/capture/static/`: the modules of the web component, for the pages of this service."""

from fastapi import FastAPI, Response

from idproof.service.http.static_pages import StaticPages


def install(app: FastAPI) -> None:
    """Adds the files of the component to the application."""
    pages = StaticPages("idproof.service.capture", camera=False)

    @app.get("/capture/static/{name:path}", include_in_schema=False)
    async def static(name: str) -> Response:
        """Returns one file of the component."""
        return pages.respond(name)
