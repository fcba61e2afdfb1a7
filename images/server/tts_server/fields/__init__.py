"""The fields of a request for speech: judged here and nowhere else, for the API and the page alike."""
