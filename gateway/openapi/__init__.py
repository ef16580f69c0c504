"""The OpenAPI 3.1 document, made from the routes and the models that requests are checked by."""

from gateway.openapi.document import document_of

__all__ = ["document_of"]
