"""From a float graph to one of integers: observe it on recordings, choose scales, replace operators."""
