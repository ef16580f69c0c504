"""The files of Swagger UI, out of the jar that it is published as."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "swagger-ui.css": "text/css",
        "swagger-ui-bundle.js": "text/javascript",
        "favicon-32x32.png": "image/png",
    }
)

# Nothing from anywhere else: it works without a network, and lets nothing in.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Holdfast</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/begin.js"></script>
</body>
</html>
"""
# Without the validator's badge, which would tell somebody else of this address.
BEGIN: Final = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null
});
"""


def read_swagger_ui(jar: Path) -> Mapping[str, bytes]:
    """The files of `MEDIA_TYPES`, by name.

    Raises:
        OSError: the jar cannot be read.
        ValueError: it is no jar of Swagger UI.
    """
    try:
        with zipfile.ZipFile(jar) as archive:
            names = {Path(name).name: name for name in archive.namelist() if "/webjars/" in name}
            return {name: archive.read(names[name]) for name in MEDIA_TYPES}
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{jar} is no jar of Swagger UI: {error}") from error
