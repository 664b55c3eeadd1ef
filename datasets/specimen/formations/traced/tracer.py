"""Light transport by Mitsuba 3 at low resolution; the only file that imports it.

The tracer knows no print. It renders a white card in a room, with its shadows and the light that surfaces throw on
each other, and what a rough dielectric over black mirrors; the print is multiplied in at full resolution afterwards
(deferred shading).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.formations.traced.rooms import Room
from idproof.datasets.specimen.view import View
from idproof.pipeline.errors import InvalidSpecimen

Layer = NDArray[np.float32]
Mesh = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]
_WHITE = 0.8  # albedo of the white card
_THICK_MM, _BEVEL_MM = 0.76, 0.15
_APERTURE_MM = (0.5, 1.6)
NOTHING, CARD, TABLE, HAND = 0, 1, 2, 3


@dataclass(frozen=True)
class Stage:
    """The scene that is traced.

    Attributes:
        view: of the card, in a capture of low resolution.
        room: around it.
        to_camera: (3, 3), turns the room's frame into the camera's.
        table: albedo (3,) of a table under the card, or None.
        hand: mesh in the card's frame, or None.
        skin: albedo (3,) of the hand.
        aperture_mm: radius of the lens's opening.
        clothes: albedo (3,) of the one who takes the picture.
        seed: of the samples.
    """

    view: View
    room: Room
    to_camera: NDArray[np.float64]
    table: NDArray[np.float64] | None
    hand: Mesh | None
    skin: tuple[float, float, float]
    aperture_mm: float
    clothes: tuple[float, float, float]
    seed: int


@lru_cache(maxsize=1)
def _mitsuba() -> Any:
    try:
        import mitsuba
    except ImportError:
        raise InvalidSpecimen(
            "The image formation path_traced needs Mitsuba, which is not installed: pip install 'idproof[render]'."
        ) from None
    mitsuba.set_variant("scalar_rgb")
    mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return mitsuba


def require() -> None:
    """Raises `InvalidSpecimen` where Mitsuba is not installed."""
    _mitsuba()


def traced(stage: Stage, samples: int) -> tuple[Layer, NDArray[np.uint8]]:
    """Returns the radiance (h, w, 3) of the scene with a white card, and what each pixel shows (h, w), `CARD` etc."""
    mitsuba = _mitsuba()
    scene = _scene(stage, _diffuse((_WHITE,) * 3), stage.aperture_mm)
    radiance = mitsuba.render(scene, spp=samples, seed=stage.seed)
    return np.array(radiance, dtype=np.float32)[..., :3], shown(stage, stage.view)[0]


def mirrored(stage: Stage, roughness: float, heights: Layer, samples: int) -> tuple[Layer, tuple[int, int]]:
    """Returns what the laminate mirrors around the card (h, w, 3), and where its first pixel lies (column, row).

    Args:
        stage: the scene.
        roughness: standard deviation of the laminate's slopes, radians.
        heights: (h, w), relief of the laminate over the card in millimetres.
        samples: a pixel.
    """
    mitsuba = _mitsuba()
    bsdf = {
        "type": "bumpmap",
        "arbitrary": {
            "type": "bitmap",
            "raw": True,
            "data": mitsuba.TensorXf(np.ascontiguousarray(heights[..., None])),
            "filter_type": "bilinear",
            "wrap_mode": "clamp",
        },
        "inner": {
            "type": "roughplastic",
            "distribution": "beckmann",
            # Beckmann's parameter is the root of two times the slopes' standard deviation.
            "alpha": float(np.sqrt(2) * max(roughness, 0.01)),
            "int_ior": 1.5,
            "diffuse_reflectance": {"type": "rgb", "value": 0.0},
        },
    }
    left, top, right, bottom = _around_card(stage.view)
    film = {"crop_offset_x": left, "crop_offset_y": top, "crop_width": right - left, "crop_height": bottom - top}
    scene = _scene(stage, bsdf, 0.0, film)
    radiance = mitsuba.render(scene, spp=samples, seed=stage.seed + 1)
    return np.array(radiance, dtype=np.float32)[..., :3], (left, top)


def shown(
    stage: Stage, view: View, crop: tuple[int, int, int, int] | None = None
) -> tuple[NDArray[np.uint8], Layer, Layer]:
    """Returns of each pixel's middle: what is seen (h, w), where (h, w, 3) and its normal (h, w, 3), camera's frame."""
    mitsuba = _mitsuba()
    film = {} if crop is None else _cropped(crop)
    integrator = {"type": "aov", "aovs": "where:position,normal:sh_normal,what:shape_index"}
    scene = _scene(stage, _diffuse((_WHITE,) * 3), 0.0, film, integrator, view)
    found = np.array(mitsuba.render(scene, spp=1, seed=0), dtype=np.float32)[..., -7:]
    names = [shape.id() for shape in scene.shapes()]
    kinds = {"card": CARD, "table": TABLE, "hand": HAND}
    # Mitsuba counts shapes from 1; 0 is none.
    codes = np.array([NOTHING] + [kinds.get(name, NOTHING) for name in names], dtype=np.uint8)
    what = codes[np.round(found[..., 6]).astype(int).clip(0, len(names))]
    return what, found[..., :3], found[..., 3:6]


def _cropped(crop: tuple[int, int, int, int]) -> dict[str, int]:
    left, top, right, bottom = crop
    return {"crop_offset_x": left, "crop_offset_y": top, "crop_width": right - left, "crop_height": bottom - top}


def _scene(
    stage: Stage,
    card: dict[str, Any],
    aperture: float,
    film: dict[str, int] | None = None,
    integrator: dict[str, Any] | None = None,
    view: View | None = None,
) -> Any:
    mitsuba, seen = _mitsuba(), view or stage.view
    parts: dict[str, Any] = {
        "type": "scene",
        "integrator": integrator or {"type": "path", "max_depth": 4, "rr_depth": 3},
        "sensor": _sensor(seen, aperture, film or {}),
        "room": _box(
            stage,
            (stage.room.low + stage.room.high) / 2,
            (stage.room.high - stage.room.low) / 2,
            stage.room.walls,
            inward=True,
        ),
        "card": _mesh(_card_mesh(seen), seen, card),
    }
    for number, light in enumerate(stage.room.lights):
        emitter = {"type": "area", "radiance": {"type": "rgb", "value": [float(v) for v in light.radiance]}}
        matrix = _panel(stage, light.middle, light.across, light.down)
        parts[f"light{number}"] = {"type": "rectangle", "to_world": matrix, "emitter": emitter}
    for number, block in enumerate(stage.room.blocks):
        parts[f"block{number}"] = _box(stage, block.middle, block.half, block.colour)
    if stage.table is not None:
        parts["table"] = _table(stage)
    if stage.hand is not None:
        parts["hand"] = _mesh(stage.hand, seen, _diffuse(stage.skin))
    parts |= _person(stage)
    return mitsuba.load_dict(parts)


def _sensor(view: View, aperture: float, film: dict[str, int]) -> dict[str, Any]:
    mitsuba = _mitsuba()
    width, height = view.size
    lens = (
        {"type": "perspective"}
        if aperture <= 0
        else {
            "type": "thinlens",
            "aperture_radius": aperture,
            "focus_distance": float(view.translation[2]),
        }
    )
    # Mitsuba's camera looks along z with x to the left and y up.
    return lens | {
        "fov": float(np.degrees(2 * np.arctan(width / 2 / view.lens.focal_px))),
        "fov_axis": "x",
        "near_clip": 1.0,
        "far_clip": 1e5,
        "to_world": mitsuba.ScalarTransform4f().scale([-1, -1, 1]),
        "film": {
            "type": "hdrfilm",
            "width": width,
            "height": height,
            "pixel_format": "rgb",
            "rfilter": {"type": "box"},
            **film,
        },
        "sampler": {"type": "independent"},
    }


def _diffuse(colour: Any) -> dict[str, Any]:
    value = [float(v) for v in np.clip(colour, 0.0, 0.95)]
    return {"type": "twosided", "inner": {"type": "diffuse", "reflectance": {"type": "rgb", "value": value}}}


def _middle(view: View) -> NDArray[np.float64]:
    """(3,): the middle of the card in the camera's frame."""
    half = np.array([view.document.width_mm / 2, view.document.height_mm / 2])
    return np.asarray(view.translation + view.rotation[:, :2] @ half)


def _matrix(turned: NDArray[np.float64], place: NDArray[np.float64]) -> Any:
    full = np.eye(4)
    full[:3, :3], full[:3, 3] = turned, place
    return _mitsuba().ScalarTransform4f(full)


def _box(
    stage: Stage, middle: NDArray[np.float64], half: NDArray[np.float64], colour: Any, *, inward: bool = False
) -> dict[str, Any]:
    place = _middle(stage.view) + stage.to_camera @ middle
    matrix = _matrix(stage.to_camera * half, place)
    return {"type": "cube", "to_world": matrix, "flip_normals": inward, "bsdf": _diffuse(colour)}


def _panel(stage: Stage, middle: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64]) -> Any:
    """A rectangle that shines towards the card."""
    normal = np.cross(across, down)
    if normal @ middle > 0:
        across, normal = -across, -normal
    turned = np.column_stack([across, down, normal / np.linalg.norm(normal)])
    return _matrix(stage.to_camera @ turned, _middle(stage.view) + stage.to_camera @ middle)


def _table(stage: Stage) -> dict[str, Any]:
    """A large rectangle right below the card."""
    view = stage.view
    place = _middle(view) + view.rotation[:, 2] * (_THICK_MM + 0.05)
    matrix = _matrix(view.rotation * np.array([900.0, -600.0, -1.0]), place)
    return {"type": "rectangle", "to_world": matrix, "bsdf": _diffuse(stage.table)}


def _person(stage: Stage) -> dict[str, Any]:
    """The telephone and who holds it: dark shapes that the laminate mirrors."""
    body = {"type": "cube", "to_world": _matrix(np.diag([230.0, 330.0, 110.0]), np.array([40.0, 430.0, -430.0]))}
    head = {"type": "sphere", "center": [30.0, 0.0, -400.0], "radius": 105.0}
    phone = {"type": "cube", "to_world": _matrix(np.diag([76.0, 37.0, 4.0]), np.array([20.0, 10.0, -9.0]))}
    return {
        "body": body | {"bsdf": _diffuse(stage.clothes)},
        "head": head | {"bsdf": _diffuse((0.35, 0.24, 0.18))},
        "phone": phone | {"bsdf": _diffuse((0.03, 0.03, 0.03))},
    }


def _card_mesh(view: View) -> Mesh:
    """The card with rounded corners, its thickness and a bevelled edge, in its own frame."""
    document = view.document
    outer = _rounded(document.width_mm, document.height_mm, document.corner_radius_mm, 0.0)
    inner = _rounded(document.width_mm, document.height_mm, document.corner_radius_mm, _BEVEL_MM)
    count = len(outer)
    levels = ((inner, 0.0), (outer, _BEVEL_MM), (outer, _THICK_MM))
    rings = [np.column_stack([ring, np.full(count, z)]) for ring, z in levels]
    middle = np.array([[document.width_mm / 2, document.height_mm / 2, 0.0]])
    vertices = np.concatenate([middle, *rings])
    faces = []
    for index in range(count):
        following = (index + 1) % count
        faces.append((0, 1 + following, 1 + index))
        for level in (0, 1):
            one, other = 1 + level * count, 1 + (level + 1) * count
            faces.append((one + index, one + following, other + index))
            faces.append((one + following, other + following, other + index))
    return vertices.astype(np.float32), np.array(faces), np.zeros((0, 3), np.float32)


def _rounded(width: float, height: float, radius: float, inset: float) -> NDArray[np.float64]:
    angles = np.linspace(0, np.pi / 2, 10)
    corners = []
    for number, (x, y) in enumerate(
        [(width - radius, height - radius), (radius, height - radius), (radius, radius), (width - radius, radius)]
    ):
        turned = angles + number * np.pi / 2
        reach = radius - inset
        corners.append(np.column_stack([x + reach * np.cos(turned), y + reach * np.sin(turned)]))
    return np.concatenate(corners)


def _mesh(mesh: Mesh, view: View, bsdf: dict[str, Any]) -> Any:
    """A mesh of the card's frame brought before the camera, with coordinates of the card's front as its texture's."""
    mitsuba = _mitsuba()
    vertices, faces, normals = mesh
    properties = mitsuba.Properties()
    properties["bsdf"] = mitsuba.load_dict(bsdf)
    smooth = len(normals) > 0
    built = mitsuba.Mesh("mesh", len(vertices), len(faces), properties, smooth, not smooth)
    parameters = mitsuba.traverse(built)
    parameters["vertex_positions"] = (vertices @ view.rotation.T + view.translation).astype(np.float32).ravel()
    parameters["faces"] = faces.astype(np.uint32).ravel()
    if smooth:
        parameters["vertex_normals"] = (normals @ view.rotation.T).astype(np.float32).ravel()
    else:
        size = np.array([view.document.width_mm, view.document.height_mm])
        parameters["vertex_texcoords"] = (vertices[:, :2] / size).astype(np.float32).ravel()
    parameters.update()
    return built


def _around_card(view: View) -> tuple[int, int, int, int]:
    low = np.floor(view.corners.min(axis=0)).astype(int) - 2
    high = np.ceil(view.corners.max(axis=0)).astype(int) + 3
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, view.size)
    return int(left), int(top), int(right), int(bottom)
