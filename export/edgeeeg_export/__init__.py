"""From a captured model to a verified streaming program: graph, passes, targets, contract."""
