"""Route `/counter`, and the files of the officers' page at a counter.

The page shares the kiosk's colours and modules, and the reviewers' style and requests. It uses no camera: the kiosk's
page, which it opens in a tab of its own, captures card and face.
"""

from fastapi import FastAPI, Response

from idproof.service.http.static_pages import StaticPages


def install(app: FastAPI) -> None:
    """Adds the page and its files to the application."""
    pages = StaticPages("idproof.service.counter", camera=False)

    @app.get("/counter", include_in_schema=False)
    async def counter() -> Response:
        """Returns the officers' page, which requests its data with the counter's own key."""
        return pages.respond("index.html")

    @app.get("/counter/static/{name:path}", include_in_schema=False)
    async def counter_static(name: str) -> Response:
        """Returns one file of the page."""
        return pages.respond(name)
