"""The web component `<idproof-capture>`: its modules, and the routes that serve them."""

from idproof.service.capture.pages import install

__all__ = ["install"]
