"""Files that pages are made of: vendored libraries, held to their hashes, and our own scripts and styles."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from safeschools_geo.errors import OfflineError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_FOLDER = resources.files("safeschools_geo.maps")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_CSS_IMAGE = re.compile(r"url\(['\"]?(images/[\w.-]+\.png)['\"]?\)")
_MARKER_IMAGES = {"iconUrl": "marker-icon", "iconRetinaUrl": "marker-icon-2x", "shadowUrl": "marker-shadow"}


@cache
def vendor_manifest() -> dict[str, dict[str, str]]:
    """List the vendored packages.

    Returns
    -------
    dict
        Name of the package → its `version`, `licence`, and each file with its SHA-256.
    """
    text = (_FOLDER / "vendor" / "manifest.json").read_text(encoding="utf-8")
    return {
        entry["name"]: {"version": entry["version"], "licence": entry["licence"], **entry["files"]}
        for entry in json.loads(text)["packages"]
    }


@cache
def vendored(path: str) -> bytes:
    """Read a vendored file.

    Parameters
    ----------
    path
        Path below ``vendor``, such as ``leaflet/leaflet.js``.

    Returns
    -------
    bytes
        The file as its package published it.

    Raises
    ------
    OfflineError
        When the file is not the one that was vendored.
    """
    expected = vendor_manifest()[path.split("/", maxsplit=1)[0]].get(path)
    content = _below(_FOLDER / "vendor", path).read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise OfflineError(f"The vendored file {path} is not the one that was published. Reinstall the package.")
    return content


@cache
def leaflet_script() -> str:
    """Return Leaflet, without the comment that sends developer tools looking for its source map.

    Returns
    -------
    str
        JavaScript.
    """
    return _SOURCE_MAP.sub("", vendored("leaflet/leaflet.js").decode()).strip()


@cache
def leaflet_styles() -> str:
    """Return Leaflet's styles, with their images inside.

    Returns
    -------
    str
        CSS.
    """
    text = vendored("leaflet/leaflet.css").decode()
    # An old remedy for Internet Explorer, which no present browser reads.
    text = text.replace("behavior: url(#default#VML);", "")
    return _CSS_IMAGE.sub(lambda match: f"url({_data_uri(match[1])})", text)


def marker_images_script() -> str:
    """Return the script that gives Leaflet's own marker its images.

    Returns
    -------
    str
        JavaScript; Leaflet else looks for the images beside its style sheet.
    """
    images = {option: _data_uri(f"images/{stem}.png") for option, stem in _MARKER_IMAGES.items()}
    return f"delete L.Icon.Default.prototype._getIconUrl;\nL.Icon.Default.mergeOptions({json.dumps(images)});"


@cache
def own(path: str) -> str:
    """Read one of our own scripts or styles.

    Parameters
    ----------
    path
        Path below this package, such as ``js/core.js``.

    Returns
    -------
    str
        Its text.
    """
    return _below(_FOLDER, path).read_text(encoding="utf-8").strip()


def _below(folder: Traversable, path: str) -> Traversable:
    return folder.joinpath(*path.split("/"))


def _data_uri(path: str) -> str:
    return "data:image/png;base64," + base64.b64encode(vendored(f"leaflet/{path}")).decode()
