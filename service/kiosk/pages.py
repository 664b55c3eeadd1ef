"""Routes `/kiosk` and `/kiosk/operators`, and the files of the two pages. The applicant's page uses the camera."""

from importlib.resources import files

from fastapi import FastAPI, Response

from idproof.service.http.static_pages import StaticPages


def install(app: FastAPI) -> None:
    """Adds the two pages and their files to the application."""
    # The typeface of the specimens, for a machine that has none for Chinese.
    font = files("pylopdf_fonts_zh_tw") / "NotoSansTC-Regular.otf"
    pages = StaticPages("idproof.service.kiosk", camera=True, more={"font.otf": font})

    @app.get("/kiosk", include_in_schema=False)
    async def kiosk() -> Response:
        """Returns the applicant's page."""
        return pages.respond("index.html")

    @app.get("/kiosk/operators", include_in_schema=False)
    async def operators() -> Response:
        """Returns the operators' page, which requests its data with the operator's own key."""
        return pages.respond("operators.html")

    @app.get("/kiosk/static/{name:path}", include_in_schema=False)
    async def static(name: str) -> Response:
        """Returns one file of the pages."""
        return pages.respond(name)
