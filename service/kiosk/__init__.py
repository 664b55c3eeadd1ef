"""The applicant's page and the operators' page: static files, served with a strict policy."""

from idproof.service.kiosk.pages import install

__all__ = ["install"]
