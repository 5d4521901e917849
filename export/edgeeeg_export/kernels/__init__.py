"""Which kernel computes a layer: the forms it could take, what each costs on a core, and the choice."""
