"""The player: one self-contained page around a clip."""

import base64
import json
from importlib.resources import files

from netcore.rendering.frame_writer import Clip
from netcore.viz.theme import FONT


def player_page(clip: Clip, frames: int, video: bytes, mime: str) -> str:
    """Return an HTML page that plays a video and asks for nothing from elsewhere.

    Parameters
    ----------
    clip : Clip
        A clip without steps is played as a single one.
    frames : int
        Number of frames of the video.
    video : bytes
        The file.
    mime : str
        Its media type.
    """
    import jinja2

    steps = clip.steps_of(frames)
    rows = [vars(step) for step in steps]
    film = json.dumps({"fps": clip.fps, "frames": frames, "type": mime, "steps": rows}, ensure_ascii=False)
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(_read("player.html")).render(
        title=clip.title or "Clip",
        description=clip.description,
        theme=clip.theme,
        font=FONT,
        width=clip.width,
        height=clip.height,
        frames=frames,
        steps=steps,
        film=film.replace("<", "\\u003c"),  # no text can end the script that it is in
        data=base64.b64encode(video).decode(),
        style=_read("player.css"),
        script=_read("player.js"),
    )


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
