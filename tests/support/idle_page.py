"""The warning of an officers' page that nobody touches, before it forgets the officer's key."""

import kiosk_page as kiosk
from playwright.sync_api import Page

WARNED = "document.getElementById('idle-text').textContent !== '' && !document.getElementById('idle-stay').hidden"


def require_warning(made: Page, sentence: str) -> None:
    """A signed-in officer, on a page whose clock a test moves, stays by a press or a key, and is else signed out."""
    view = made.evaluate("document.body.dataset.view")
    made.clock.fast_forward("04:02")
    kiosk.wait(made, WARNED)
    assert made.inner_text("#idle-text") == sentence
    assert made.get_attribute("#idle-text", "aria-live") == "assertive"
    assert kiosk.grave(made) == []
    made.click("#idle-stay")
    _require_stayed(made, view)
    made.clock.fast_forward("04:02")
    kiosk.wait(made, WARNED)
    made.keyboard.press("Shift")
    made.clock.run_for(1500)
    _require_stayed(made, view)
    made.clock.fast_forward("04:02")
    kiosk.wait(made, WARNED)
    made.clock.fast_forward("01:02")
    kiosk.view(made, "enter")
    assert made.is_hidden("#idle-stay")


def scroll(made: Page) -> None:
    """Turn the mouse's wheel, and wait until the page has been informed: browsers tell it at their next frame only."""
    made.evaluate("window.scrolled = new Promise((done) => addEventListener('wheel', done, { once: true })); 0")
    made.mouse.wheel(0, 40)
    made.evaluate("window.scrolled.then(() => 0)")


def _require_stayed(made: Page, view: str) -> None:
    assert made.inner_text("#idle-text") == ""
    assert made.is_hidden("#idle-stay")
    assert made.evaluate("document.body.dataset.view") == view
