"""Route `/capture`, this service's own page of the web component, and the component's modules.

A telephone opens the page by the link of a hand-off. Pages of others may embed it, if the operator names them.
"""

from importlib.metadata import version

from fastapi import FastAPI, Response

from idproof.service.http.static_pages import POLICY, StaticPages
from idproof.service.operations.settings import Settings


def install(app: FastAPI, settings: Settings) -> None:
    """Adds the page and the files of the component to the application."""
    ancestors = " ".join(settings.capture_frame_ancestor_list) or "'none'"
    policy = POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")
    pages = StaticPages("idproof.service.capture", camera=True, policy=policy)

    @app.get("/capture", include_in_schema=False)
    async def capture() -> Response:
        """Returns the page."""
        return pages.respond("page.html")

    @app.get("/capture/static/version.json", include_in_schema=False)
    async def stated_version() -> dict[str, str]:
        """Returns the version that these modules are of; a page that was loaded long ago keeps an earlier one."""
        return {"version": version("idproof")}

    @app.get("/capture/static/{name:path}", include_in_schema=False)
    async def static(name: str) -> Response:
        """Returns one file of the component."""
        return pages.respond(name)
