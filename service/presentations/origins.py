"""Origins of addresses that other parties send: a page to return to, and the place of a status list."""

from urllib.parse import urlsplit


def origin_of(url: str, *, allow_query: bool) -> str | None:
    """Returns the origin of an absolute URL in lower case; None where a part of the URL could mislead.

    Args:
        url: any text.
        allow_query: whether the URL may have a query. A user, a fragment and a backslash are never allowed.

    Example:
        >>> origin_of("https://Library.example/visit?n=1", allow_query=True)
        'https://library.example'
        >>> [origin_of(url, allow_query=False) for url in ("https://a@b.example", "https://b.example/?n=1", "b")]
        [None, None, None]
    """
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        return None
    if found.username is not None or not found.hostname or "#" in url or "\\" in url:
        return None
    return None if found.query and not allow_query else f"{found.scheme}://{found.netloc}".lower()
