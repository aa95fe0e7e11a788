"""Web pages: the lab, the lesson, and the server of both."""
