"""The same models in our C and in the runtimes of a host: time, allocations and size of a step."""
