"""QR codes of offers, read by another program."""

import cv2
import numpy as np
import qr_codes

from idproof.service.credentials import qr


def test_another_program_reads_the_link() -> None:
    link = "openid-credential-offer://?credential_offer=" + "%7B%22a1b2" * 40
    rows = qr.modules(link)
    picture = np.array([[0 if module == "1" else 255 for module in row] for row in rows], np.uint8)
    assert qr_codes.read(cv2.resize(picture, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)) == link
