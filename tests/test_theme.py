"""The colours: contrast by WCAG 2.2, and told apart by colour-blind viewers."""

import itertools

import numpy as np
import pytest

from netcore.viz.theme import THEMES

# Viénot, Brettel and Mollon 1999: linear RGB as seen without the long-wave (protan) or middle-wave (deutan) cones.
BLINDNESS = {
    "protan": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deutan": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
}
themes = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to linear light (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb: np.ndarray) -> float:
    return float(linear(rgb) @ [0.2126, 0.7152, 0.0722])


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, relative luminance)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    """Linear RGB to CIE L*a*b* under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = np.clip(to_xyz @ light / [0.9505, 1.0, 1.089], 0, None)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@themes
@pytest.mark.parametrize("role", ["foreground", "muted", "positive", "negative", "emphasis", "correct", "incorrect"])
def test_theme_text_contrast(theme, role):
    assert contrast(theme.rgb(role), theme.rgb("background")) >= 4.5


@themes
@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize(("one", "other"), [("positive", "negative"), ("correct", "incorrect")])
def test_theme_opposites_for_color_blind(theme, blindness, one, other):
    seen = [lab(np.clip(BLINDNESS[blindness] @ linear(theme.rgb(role)), 0, 1)) for role in (one, other)]
    assert np.linalg.norm(seen[0] - seen[1]) > 15, "ΔE*ab under which they look alike"


@themes
def test_theme_signed_scale(theme):
    ends = theme.signed_colors(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(ends, [theme.rgb("negative"), theme.rgb("background"), theme.rgb("positive")])
    ramp = theme.signed_colors(np.linspace(0, 1, 9))
    steps = np.linalg.norm(np.diff(ramp, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0])


@themes
def test_theme_activation_scale(theme):
    np.testing.assert_allclose(
        theme.activation_colors(np.array([0.0, 1.0])), [theme.rgb("background"), theme.rgb("foreground")]
    )


def test_themes_have_same_roles():
    dark, light = (set(vars(t)) for t in THEMES.values())
    assert dark == light
    for theme, role in itertools.product(THEMES.values(), dark - {"name"}):
        assert 0 <= theme.rgb(role).min() <= theme.rgb(role).max() <= 1
