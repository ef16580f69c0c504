"""Hostile requests by the thousand, made from the OpenAPI document: none may hurt.

What is sent breaks the document in one place or more, so it must be refused, with a 4xx that the
document tells; and a refused request changes no row. The same seed sends the same requests.
"""
