"""QR codes (ISO/IEC 18004) of links, as rows of dark and light modules: whoever shows them draws them."""

_QUIET = 4  # modules, ISO/IEC 18004, section 9.1


def modules(link: str) -> list[str]:
    """Returns the rows of a QR code with its quiet zone: `1` for each dark module, `0` for each light one."""
    import segno  # with the first offer: most processes make none

    code = segno.make_qr(link, error="l")  # a screen is not damaged, and fewer modules are read from farther away
    return ["".join("1" if dark else "0" for dark in row) for row in code.matrix_iter(border=_QUIET)]
