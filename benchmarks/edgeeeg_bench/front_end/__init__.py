"""The figures of docs/front_end.md: what the front end's layers cost, how late and how exact they are."""
