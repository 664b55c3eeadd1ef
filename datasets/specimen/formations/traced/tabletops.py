"""Table tops drawn at random: wood, stone, cloth, linoleum and paper, in colours that tables have."""

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float32]
PX_PER_MM = 6.0
SIZE_MM = (420, 330)
# Linear albedos: beech, oak, walnut, white melamine, grey laminate, dark stone, kraft paper, blue-grey cloth.
_COLOURS = np.array(
    [
        [0.52, 0.36, 0.21],
        [0.40, 0.26, 0.14],
        [0.16, 0.09, 0.055],
        [0.74, 0.73, 0.71],
        [0.36, 0.36, 0.37],
        [0.07, 0.07, 0.075],
        [0.44, 0.31, 0.19],
        [0.20, 0.24, 0.30],
    ]
)


def draw(rng: np.random.Generator) -> Texture:
    """Returns linear albedo (h, w, 3) at `PX_PER_MM`."""
    kind = int(rng.integers(4))
    base = _COLOURS[int(rng.integers(3 if kind == 0 else len(_COLOURS)))] * rng.uniform(0.8, 1.15)
    shape = round(SIZE_MM[1] * PX_PER_MM), round(SIZE_MM[0] * PX_PER_MM)
    tone = (_wood, _stone, _cloth, _smooth)[kind](rng, shape)
    hue = 1 + 0.04 * _clouds(rng, shape, (60, 60))[..., None] * np.array([1.0, 0.2, -0.8])
    texture = base * np.exp(tone)[..., None] * hue
    if rng.uniform() < 0.25:
        texture = _with_sheet(rng, texture)
    return np.asarray(texture.clip(0.01, 0.88), dtype=np.float32)


def _clouds(rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float]) -> Texture:
    """Returns smooth noise of standard deviation about 1 with cells of this many pixels (rows, columns)."""
    rows, columns = int(shape[0] / cell[0]) + 4, int(shape[1] / cell[1]) + 4
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    large = cv2.resize(coarse, (round(columns * cell[1]), round(rows * cell[0])), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large[: shape[0], : shape[1]] * 1.3, dtype=np.float32)


def _wood(rng: np.random.Generator, shape: tuple[int, int]) -> Texture:
    """Year rings cut along the trunk, pores, and joints between boards."""
    y = np.arange(shape[0], dtype=np.float32)[:, None] / PX_PER_MM
    board = rng.uniform(60, 160)
    number = np.floor(y / board)
    shift = np.take(rng.uniform(0, 900, 12), number.astype(int) % 12).astype(np.float32)
    warp = 9 * _clouds(rng, shape, (120, 900)) + 1.2 * _clouds(rng, shape, (30, 300))
    rings = np.sin((y + shift + warp) * rng.uniform(0.5, 1.6)) + 0.4 * np.sin((y + shift + 1.3 * warp) * 3.1)
    pores = (_clouds(rng, shape, (1.5, 40)) > 1.6) * -0.22
    joint = -0.9 * np.exp(-np.square((y - number * board) / 0.25))
    return np.asarray(0.10 * rings + 0.05 * _clouds(rng, shape, (2, 90)) + pores + joint, dtype=np.float32)


def _stone(rng: np.random.Generator, shape: tuple[int, int]) -> Texture:
    """Grains of several sizes, and veins."""
    total = 0.10 * _clouds(rng, shape, (90, 90)) + 0.10 * _clouds(rng, shape, (5, 5))
    specks = _clouds(rng, shape, (3, 3))
    total += np.where(specks > 1.8, 0.35, 0) + np.where(specks < -1.9, -0.5, 0)
    vein = np.abs(_clouds(rng, shape, (260, 200)) + 0.3 * _clouds(rng, shape, (50, 50)))
    return np.asarray(total - 0.25 * np.exp(-np.square(vein / 0.05)), dtype=np.float32)


def _cloth(rng: np.random.Generator, shape: tuple[int, int]) -> Texture:
    """Threads over and under each other, with creases."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    x = x + 3 * _clouds(rng, shape, (150, 150))
    y = y + 3 * _clouds(rng, shape, (150, 150))
    pitch = rng.uniform(3.5, 8.0)
    over = np.sin(np.pi * x / pitch) * np.sin(np.pi * y / pitch)
    thread = np.where(over > 0, np.cos(2 * np.pi * y / pitch), np.cos(2 * np.pi * x / pitch))
    return np.asarray(0.12 * thread + 0.10 * over + 0.10 * _clouds(rng, shape, (200, 260)), dtype=np.float32)


def _smooth(rng: np.random.Generator, shape: tuple[int, int]) -> Texture:
    """Linoleum or paint, a little uneven, with wiping marks."""
    return np.asarray(
        0.03 * _clouds(rng, shape, (250, 250))
        + 0.03 * _clouds(rng, shape, (4, 4))
        + 0.03 * _clouds(rng, shape, (9, 140)),
        dtype=np.float32,
    )


def _with_sheet(rng: np.random.Generator, texture: NDArray[np.float64]) -> NDArray[np.float64]:
    """The table with a printed sheet on it: rows of grey words."""
    width, height = (round(length * PX_PER_MM) for length in (210, 297))
    sheet = np.full((height, width, 3), 0.8)
    for row in np.arange(round(25 * PX_PER_MM), height - 150, round(rng.uniform(4.5, 7) * PX_PER_MM)):
        column = round(22 * PX_PER_MM)
        while column < width - 160:
            word = int(rng.uniform(8, 60) * PX_PER_MM / 5)
            letters = rng.uniform(0.15, 0.7, (int(1.8 * PX_PER_MM), word, 1))
            sheet[row : row + letters.shape[0], column : column + word] = letters
            column += word + round(1.5 * PX_PER_MM)
    middle = rng.uniform(0.1, 0.9) * texture.shape[1], rng.uniform(0.1, 0.9) * texture.shape[0]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-180, 180), 1.0)
    move[:, 2] += np.array(middle) - (width / 2, height / 2)
    size = texture.shape[1::-1]
    laid = cv2.warpAffine(sheet, move, size, flags=cv2.INTER_AREA)
    cover = cv2.warpAffine(np.ones(sheet.shape[:2]), move, size)[..., None]
    return np.asarray(texture * (1 - cover) + laid * cover)
