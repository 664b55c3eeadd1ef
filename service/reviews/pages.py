"""Route `/review`, and the files of the reviewers' page.

The page shares the kiosk's colours and some of its modules. It uses no camera. It shows pictures that the officer's
browser has opened from the browser's own memory (`blob:`).
"""

from fastapi import FastAPI, Response

from idproof.service.http.static_pages import POLICY, StaticPages

REVIEW_POLICY = POLICY.replace("img-src 'self'", "img-src 'self' blob:")


def install(app: FastAPI) -> None:
    """Adds the page and its files to the application."""
    pages = StaticPages("idproof.service.reviews", camera=False, policy=REVIEW_POLICY)

    @app.get("/review", include_in_schema=False)
    async def review() -> Response:
        """Returns the reviewers' page, which requests its data with the officer's own key."""
        return pages.respond("index.html")

    @app.get("/review/static/{name:path}", include_in_schema=False)
    async def review_static(name: str) -> Response:
        """Returns one file of the page."""
        return pages.respond(name)
