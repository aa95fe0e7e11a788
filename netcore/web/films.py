"""Films that a run has of one drawing."""

from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import Scene, all_scenes

OF_TRAINING = {"snapshots", "history"}  # what films need that show the training, not an image


def drawing_films(run: Run) -> list[Scene]:
    """Return the films that show what a run's network does with an image, those of the whole network first."""
    films = [scene for scene in all_scenes() if scene.kind == "film" and _suits(scene, run)]
    return sorted(films, key=lambda scene: not scene.name.endswith("forward-propagation"))


def _suits(scene: Scene, run: Run) -> bool:
    if OF_TRAINING & set(scene.needs):
        return False
    try:
        check_requirements(scene.name, scene.needs, run)
    except NetcoreError:
        return False
    return True
