"""Conditions unrelated to the expression: pose, light, background, camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import RING, TURNS, fill
from .identity import Colour
from .rng import bell, chance, pick, span, triangle

OCCLUDERS = ('bar', 'disc', 'blob', 'strand')


@dataclass(frozen=True)
class Nuisance:
    """Conditions of one image. Places and sizes are fractions of the image side."""

    scale: float  # half the width of the face
    shift: tuple[float, float]  # of the face (right, down)
    yaw: float  # pose of the head in radians
    pitch: float
    roll: float
    gaze: tuple[float, float]  # shift of the irises in half widths of the face
    side_light: tuple[float, float]  # from (right, below), from -1 to 1
    gains: Colour  # of the blue, green and red channels
    gamma: float  # exponent of the tone curve
    ramp: tuple[float, float]  # brightness gradient (right, down), from -1 to 1
    grey: bool
    patches: np.ndarray  # low-resolution background, uint8 (4, 4, 3)
    occluder: str | None  # one of OCCLUDERS
    occluder_at: tuple[float, float]  # its centre
    occluder_size: float
    occluder_angle: float  # in radians
    occluder_colour: Colour
    blur: float  # standard deviation in percent of the side
    motion: float  # length of the motion blur in percent of the side
    motion_angle: float  # in radians
    noise: np.ndarray  # sensor noise to add, int16 (H, W, 3)
    jpeg: int  # quality, from 1 to 100


def sample_nuisance(
    rng: np.random.Generator, difficulty: float, image_size: int
) -> Nuisance:
    """Sample the conditions of one image; difficulty 0 is a studio, 1 in the wild."""
    d = difficulty
    grey = span(rng, 50, 215)
    base = grey + np.array([bell(rng, 30 + 70 * d) for _ in range(3)])
    patches = base + (rng.random((4, 4, 3)) - 0.5) * (30 + 130 * d * rng.random())
    shape = (image_size, image_size, 3)
    noise_level = d * rng.random() ** 2 * 0.16
    return Nuisance(
        scale=0.352 * (1.0 + bell(rng, 0.03 + 0.07 * d)),
        shift=(bell(rng, 0.01 + 0.04 * d), bell(rng, 0.01 + 0.04 * d)),
        yaw=bell(rng, 0.08 + 0.40 * d),
        pitch=bell(rng, 0.05 + 0.22 * d),
        roll=bell(rng, 0.04 + 0.26 * d),
        gaze=(bell(rng, 0.05), bell(rng, 0.025)),
        side_light=(bell(rng, 0.4 + 0.8 * d), bell(rng, 0.3) - 0.3),
        gains=tuple(1.0 + bell(rng, 0.04 + 0.16 * d) for _ in range(3)),
        gamma=1.0 + bell(rng, 0.1 + 0.5 * d),
        ramp=(bell(rng, 0.5 * d), bell(rng, 0.5 * d)),
        grey=chance(rng, 0.15 * d),
        patches=np.clip(np.round(patches), 0, 255).astype(np.uint8),
        occluder=pick(rng, OCCLUDERS) if chance(rng, 0.40 * d) else None,
        occluder_at=(span(rng, 0.1, 0.9), span(rng, 0.1, 0.95)),
        occluder_size=span(rng, 0.08, 0.14 + 0.12 * d),
        occluder_angle=span(rng, 0.0, np.pi),
        occluder_colour=tuple(span(rng, 20, 235) for _ in range(3)),
        blur=0.2 + d * 1.3 * rng.random() ** 2,
        motion=d * 5.0 * rng.random() if chance(rng, 0.2 * d) else 0.0,
        motion_angle=span(rng, 0.0, np.pi),
        noise=np.round(triangle(rng, shape) * noise_level).astype(np.int16),
        jpeg=int(97 - 70 * d * rng.random() ** 1.5),
    )


def background(nuisance: Nuisance, size: int) -> np.ndarray:
    """Return a canvas with the background, uint8 (size, size, 3)."""
    return cv2.resize(nuisance.patches, (size, size), interpolation=cv2.INTER_LINEAR)


def occlude(canvas: np.ndarray, nuisance: Nuisance) -> None:
    """Paint the occluder, if there is one, in place."""
    if nuisance.occluder is None:
        return
    side = canvas.shape[0]
    centre = np.array(nuisance.occluder_at) * side
    along = np.array([np.cos(nuisance.occluder_angle), np.sin(nuisance.occluder_angle)])
    across = along[::-1] * (-1.0, 1.0)
    half = nuisance.occluder_size * side
    corners: tuple | np.ndarray
    if nuisance.occluder == 'bar':
        corners = ((-2.0, -0.4), (2.0, -0.4), (2.0, 0.4), (-2.0, 0.4))
    elif nuisance.occluder == 'strand':
        corners = ((-6.0, -0.1), (6.0, -0.2), (6.0, 0.1), (-6.0, 0.2))
    elif nuisance.occluder == 'disc':
        corners = RING
    else:
        corners = RING * (1.0 + 0.3 * np.cos(3.0 * TURNS))[:, None] * (1.4, 0.8)
    polygon = centre + half * (np.asarray(corners) @ np.stack((along, across)))
    fill(canvas, polygon, nuisance.occluder_colour)


def light(image: np.ndarray, nuisance: Nuisance) -> np.ndarray:
    """Apply the tone curve, the colour of the light and its gradient."""
    levels = np.arange(256) / 255.0
    curve = 255.0 * levels**nuisance.gamma
    table = np.clip(np.round(curve[:, None] * nuisance.gains), 0, 255)
    image = cv2.LUT(image, table.astype(np.uint8)[None])
    right, down = (64.0 * x for x in nuisance.ramp)
    corners = [[-right - down, right - down], [-right + down, right + down]]
    coarse = np.clip(np.round(128.0 + np.array(corners)), 0, 255).astype(np.uint8)
    gain = cv2.resize(coarse, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    image = cv2.multiply(image, cv2.merge((gain, gain, gain)), scale=1.0 / 128.0)
    if nuisance.grey:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return image


def degrade(image: np.ndarray, nuisance: Nuisance) -> np.ndarray:
    """Apply blur, sensor noise and JPEG compression."""
    unit = image.shape[0] / 100.0
    sigma = nuisance.blur * unit
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    reach = int(nuisance.motion * unit / 2.0)
    if reach:
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        right = round(reach * float(np.cos(nuisance.motion_angle)))
        down = round(reach * float(np.sin(nuisance.motion_angle)))
        start, end = (reach - right, reach - down), (reach + right, reach + down)
        cv2.line(kernel, start, end, 1.0)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    noisy = np.clip(image.astype(np.int16) + nuisance.noise, 0, 255).astype(np.uint8)
    if nuisance.jpeg >= 95:
        return noisy
    _, code = cv2.imencode('.jpg', noisy, [cv2.IMWRITE_JPEG_QUALITY, nuisance.jpeg])
    return cv2.imdecode(code, cv2.IMREAD_COLOR)  # type: ignore[return-value]
