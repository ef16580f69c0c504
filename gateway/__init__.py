"""The HTTP edge: routes, schemas, auth and errors over aiohttp."""
