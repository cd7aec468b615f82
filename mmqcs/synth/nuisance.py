"""Conditions unrelated to the expression: pose, light, background, camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from .identity import Colour
from .rng import bell, chance, pick, span, triangle

__all__ = ['Nuisance', 'background', 'degrade', 'light', 'occlude', 'sample_nuisance']

OCCLUDERS = ('bar', 'disc', 'blob', 'strand')


@dataclass(frozen=True)
class Nuisance:
    """Conditions of one image.

    Args:
        scale: Half the width of the face, as a fraction of the image.
        shift: Shift (right, down) of the face, as a fraction of the image.
        yaw, pitch, roll: Pose of the head in radians.
        gaze: Shift of the irises (right, down) in half widths of the face.
        side_light: Light from (right, below), from -1 to 1.
        gains: Gains of the blue, green and red channels.
        gamma: Exponent of the tone curve.
        ramp: Brightness gradient (right, down), from -1 to 1.
        grey: Whether the image is greyscale.
        patches: Low-resolution background, uint8 (4, 4, 3).
        occluder: One of :data:`OCCLUDERS`, or None.
        occluder_at: Centre of the occluder, as a fraction of the image.
        occluder_size: Size of the occluder, as a fraction of the image.
        occluder_angle: Direction of the occluder in radians.
        occluder_colour: Colour of the occluder.
        blur: Standard deviation of the blur in percent of the image side.
        motion: Length of the motion blur in percent of the image side.
        motion_angle: Direction of the motion blur in radians.
        noise: Sensor noise to add, int16 (H, W, 3).
        jpeg: JPEG quality, from 1 to 100.
    """

    scale: float
    shift: tuple[float, float]
    yaw: float
    pitch: float
    roll: float
    gaze: tuple[float, float]
    side_light: tuple[float, float]
    gains: Colour
    gamma: float
    ramp: tuple[float, float]
    grey: bool
    patches: np.ndarray
    occluder: str | None
    occluder_at: tuple[float, float]
    occluder_size: float
    occluder_angle: float
    occluder_colour: Colour
    blur: float
    motion: float
    motion_angle: float
    noise: np.ndarray
    jpeg: int


def sample_nuisance(
    rng: np.random.Generator, difficulty: float, image_size: int
) -> Nuisance:
    """Sample the conditions of one image.

    Args:
        rng: Random generator.
        difficulty: From 0 (studio) to 1 (in the wild).
        image_size: Side of the image in pixels.
    """
    d = difficulty
    grey = span(rng, 50, 215)
    base = grey + np.array([bell(rng, 30 + 70 * d) for _ in range(3)])
    patches = base + (rng.random((4, 4, 3)) - 0.5) * (30 + 130 * d * rng.random())
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
        noise=np.round(triangle(rng, (image_size, image_size, 3)) * noise_level).astype(
            np.int16
        ),
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
    turns = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = np.stack((np.cos(turns), np.sin(turns)), axis=1)
    if nuisance.occluder == 'bar':
        corners = ((-2.0, -0.4), (2.0, -0.4), (2.0, 0.4), (-2.0, 0.4))
    elif nuisance.occluder == 'strand':
        corners = ((-6.0, -0.1), (6.0, -0.2), (6.0, 0.1), (-6.0, 0.2))
    elif nuisance.occluder == 'disc':
        corners = ring
    else:
        corners = ring * (1.0 + 0.3 * np.cos(3.0 * turns))[:, None] * (1.4, 0.8)
    polygon = centre + half * (np.asarray(corners) @ np.stack((along, across)))
    cv2.fillPoly(
        canvas,
        [np.round(polygon * 16).astype(np.int32)],
        nuisance.occluder_colour,
        cv2.LINE_AA,
        4,
    )


def light(image: np.ndarray, nuisance: Nuisance) -> np.ndarray:
    """Apply the tone curve, the colour of the light and its gradient."""
    levels = np.arange(256) / 255.0
    curve = 255.0 * levels**nuisance.gamma
    table = np.clip(np.round(curve[:, None] * nuisance.gains), 0, 255)
    image = cv2.LUT(image, table.astype(np.uint8)[None])
    right, down = (64.0 * x for x in nuisance.ramp)
    corners = [[-right - down, right - down], [-right + down, right + down]]
    gain = np.clip(np.round(128.0 + np.array(corners)), 0, 255).astype(np.uint8)
    gain = cv2.resize(gain, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    image = cv2.multiply(image, cv2.merge((gain, gain, gain)), scale=1.0 / 128.0)
    if nuisance.grey:
        image = cv2.cvtColor(
            cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR
        )
    return image


def degrade(image: np.ndarray, nuisance: Nuisance) -> np.ndarray:
    """Apply blur, sensor noise and JPEG compression.

    Args:
        image: uint8 (H, W, 3), of the size that ``nuisance`` was sampled for.
        nuisance: Conditions.
    """
    unit = image.shape[0] / 100.0
    sigma = nuisance.blur * unit
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    reach = int(nuisance.motion * unit / 2.0)
    if reach:
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        step = (
            round(reach * float(np.cos(nuisance.motion_angle))),
            round(reach * float(np.sin(nuisance.motion_angle))),
        )
        start, end = (
            (reach - step[0], reach - step[1]),
            (reach + step[0], reach + step[1]),
        )
        cv2.line(kernel, start, end, 1.0)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    noisy = np.clip(image.astype(np.int16) + nuisance.noise, 0, 255).astype(np.uint8)
    if nuisance.jpeg >= 95:
        return noisy
    _, code = cv2.imencode('.jpg', noisy, [cv2.IMWRITE_JPEG_QUALITY, nuisance.jpeg])
    return cv2.imdecode(code, cv2.IMREAD_COLOR)
