"""The Postman collection of the HTTP API, and `make postman`, which runs it with newman."""
