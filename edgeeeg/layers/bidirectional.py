"""Two layers over the same frames, one of them backwards in time."""

from __future__ import annotations

from torch import Tensor, nn

from edgeeeg.errors import ModelError
from edgeeeg.layers.requirements import require_frames


class Bidirectional(nn.Module):
    """Mean of a layer and of another one that sees time reversed, (batch, time, d_model) to the same shape.

    The causal twin has the same parameters, and lets the second layer see time as the first does; so weights
    that were trained on windows in both directions begin the training of the one that streams.

    Parameters
    ----------
    forwards, backwards : recurrent layers of the same kind, each (batch, time, d_model) to the same shape.
    causal : run both forwards.

    Raises
    ------
    ModelError
        For layers that are no modules, or give anything but a tensor of their input's shape; for an input of
        another shape.

    References
    ----------
    Schuster and Paliwal 1997, Bidirectional recurrent neural networks, IEEE Trans. Signal Process. 45, 2673.
    Zhu et al. 2024, Vision Mamba, arXiv 2401.09417, algorithm 1, which shares its outer projections.
    """

    def __init__(self, forwards: nn.Module, backwards: nn.Module, causal: bool = False) -> None:
        super().__init__()
        for name, layer in (("forwards", forwards), ("backwards", backwards)):
            if not isinstance(layer, nn.Module):
                raise ModelError(f"Bidirectional: {name} is {layer!r}; give it a layer, a torch.nn.Module")
        self.forwards, self.backwards, self.causal = forwards, backwards, causal

    def forward(self, x: Tensor) -> Tensor:
        """Mean of both layers for x, each from its initial state."""
        require_frames("Bidirectional", x)
        first = self._run("forwards", x)
        second = self._run("backwards", x) if self.causal else self._run("backwards", x.flip(1)).flip(1)
        return 0.5 * (first + second)

    def _run(self, name: str, x: Tensor) -> Tensor:
        """Output of one layer for x, of its shape."""
        layer = self.get_submodule(name)
        y = layer(x)
        if not isinstance(y, Tensor) or y.shape != x.shape:
            gave = f"a tensor {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
            raise ModelError(
                f"Bidirectional: {name}, {type(layer).__name__}, gave {gave} for {tuple(x.shape)}; "
                "wrap it in a module that returns its output of that shape alone"
            )
        return y
