"""One module per thing outside the process. An adapter turns its library's errors into ours."""
