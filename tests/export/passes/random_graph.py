"""Random layers of the operator set, one after the other: what the tests of random graphs draw from."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.biquad import Biquad
from edgeeeg_export.ops.clip import Clip
from edgeeeg_export.ops.comparison import Greater, LessOrEqual
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.cumsum import CumSum
from edgeeeg_export.ops.elu import Elu
from edgeeeg_export.ops.exponential_moving_average import ExponentialMovingAverage
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.gelu import Gelu, GeluTanh
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.hard_sigmoid import HardSigmoid
from edgeeeg_export.ops.leaky_relu import LeakyRelu
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.matmul import MatMul
from edgeeeg_export.ops.max import Max
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.min import Min
from edgeeeg_export.ops.mish import Mish
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.reduce_l2 import ReduceL2
from edgeeeg_export.ops.reduce_log_sum_exp import ReduceLogSumExp
from edgeeeg_export.ops.reduce_max import ReduceMax
from edgeeeg_export.ops.reduce_mean import ReduceMean
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.rms_norm import RmsNormalize
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.round import Round
from edgeeeg_export.ops.running_z_score import RunningZScore
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.softmax import LogSoftmax, Softmax
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.standardize import Standardize
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.ops.where import Where
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.tensor import TensorType

STATELESS = (
    *("conv", "image", "pool", "pointwise", "dense", "split", "residual", "centred", "downsample", "shift"),
    *("normalize", "reduce", "choose", "join", "rearrange", "mix"),
)
LAYERS = (*STATELESS, "recurrent", "lif", "scan", "accumulate", "filter", "adapt")
FRAMES_TO_DIVIDE = 24
"""Frames of a recording that a layer leaves at least, if it has a stride."""
ACTIVATIONS = (
    *(Relu(), Tanh(), Sigmoid(), Softplus(), Clip(-0.5, 1.0), Elu(1.3), Gelu(), GeluTanh(), HardSigmoid()),
    *(LeakyRelu(0.2), Mish(), Round()),
)


class Builder:
    """Appends random layers to a tensor x (1, channels, frames) and remembers branch points."""

    def __init__(self, draw, layers, n_times):
        self.draw, self.layers = draw, layers
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.n_chans = draw(st.integers(1, 5))
        self.inputs = {"x": TensorType((1, self.n_chans, n_times), 2, 1)}

    def constant(self, *shape, low=-0.7, high=0.7):
        name = f"w{len(self.constants)}"
        self.constants[name] = self.rng.uniform(low, high, shape).astype(np.float32)
        return name

    def add(self, op, *inputs):
        name = f"t{len(self.nodes)}"
        self.nodes.append(Node(f"{op.kind.lower()}_{len(self.nodes)}", op, inputs, (name,)))
        return name

    def type(self, tensor):
        return self.graph((tensor,)).tensors[tensor]

    def width(self, tensor):
        return self.type(tensor).shape[1]

    def graph(self, outputs):
        return Graph("random", self.inputs, outputs, tuple(self.nodes), self.constants)

    def layer(self, x):
        kind = self.draw(st.sampled_from(self.layers))
        return getattr(self, kind)(x)

    def stride(self, x, *choices):
        """One of the strides, where enough frames are left."""
        stride = self.draw(st.sampled_from((1, *choices)))
        return stride if self.type(x).frames >= stride * FRAMES_TO_DIVIDE else 1

    def padding(self, reach, stride):
        """Frames around time: causal, on both sides, none, or more than an output sees."""
        least = max(reach - stride, 0)
        kind = self.draw(st.sampled_from(("causal", "any", "none")))
        if kind == "causal":
            return least + self.draw(st.integers(0, min(stride, reach) - 1)), 0
        if kind == "none" or self.draw(st.booleans()):
            return 0, self.draw(st.integers(0, reach)) if kind == "any" else 0
        return self.draw(st.integers(0, reach + 1)), self.draw(st.integers(0, reach))

    def conv(self, x):
        groups = self.draw(st.sampled_from([g for g in (1, 2, 3) if self.width(x) % g == 0]))
        kernel, dilation = self.draw(st.integers(1, 6)), self.draw(st.integers(1, 3))
        stride = self.stride(x, 1, 1, 2, 3)
        pads = self.padding(dilation * (kernel - 1) + 1, stride)
        c_out = groups * self.draw(st.integers(1, 3))
        weight = self.constant(c_out, self.width(x) // groups, kernel)
        bias = (self.constant(c_out),) if self.draw(st.booleans()) else ()
        return self.add(Conv((stride,), (dilation,), groups, pads), x, weight, *bias)

    def same(self, x, kernel):
        """A convolution padded on both sides to as many frames, with a bias."""
        n = self.width(x)
        pads = ((kernel - 1) // 2, kernel // 2)
        return self.add(Conv(pads=pads), x, self.constant(n, n, kernel), self.constant(n))

    def centred(self, x):
        """A residual block around one or two `same` convolutions."""
        y = self.same(x, self.draw(st.integers(2, 7)))
        if self.draw(st.booleans()):
            y = self.same(self.pointwise(y), self.draw(st.integers(2, 7)))
        return self.add(Tanh(), self.add(Add(), x, y))

    def downsample(self, x):
        """Two branches of one stride and unequal look-ahead."""
        stride = self.stride(x, 2, 3)
        n, kernel = self.width(x), self.draw(st.integers(stride, 6))
        around = kernel - stride
        pads = (around // 2, around - around // 2)
        path = self.add(Conv((stride,), (1,), 1, pads), x, self.constant(n, n, kernel))
        shortcut = self.add(AveragePool((stride,), (stride,), (1,), (0, 0), count_include_pad=True), x)
        return self.add(Sub(), path, shortcut)

    def shift(self, x):
        """Frames added to the ends of time, or taken away."""
        ends = self.draw(st.integers(-4, 4)), self.draw(st.integers(-4, 4))
        return self.add(Pad(((0, 0), (0, 0), ends), "constant", self.draw(st.sampled_from((0.0, 0.5)))), x)

    def image(self, x):
        """A convolution over channels and time, padded over the channels as well."""
        n, kernel = self.width(x), self.draw(st.integers(1, 4))
        rows = self.draw(st.integers(1, min(n, 3)))
        left, right = self.padding(kernel, 1)
        pads = (self.draw(st.integers(0, rows - 1)), left, 0, right)
        weight = self.constant(self.draw(st.integers(1, 2)), 1, rows, kernel)
        wide = self.add(Conv((1, 1), (1, 1), 1, pads), self.add(Reshape((1, 1, n, -1)), x), weight)
        _, maps, height, _ = self.type(wide).shape
        return self.add(Reshape((1, maps * height, -1)), wide)

    def pool(self, x):
        kernel, stride = self.draw(st.integers(1, 5)), self.stride(x, 1, 2)
        sizes = ((kernel,), (stride,), (1,), self.padding(kernel, stride))
        op = self.draw(st.sampled_from((MaxPool(*sizes), AveragePool(*sizes, count_include_pad=True))))
        return self.add(op, x)

    def recurrent(self, x):
        n, hidden = self.width(x), self.draw(st.integers(1, 4))
        kind = self.draw(st.sampled_from((Lstm, Gru, Rnn)))
        starts = self.rng.uniform(-0.5, 0.5, (len(kind.memories), hidden)).astype(np.float32)
        initial = tuple(tuple(row) for row in starts.tolist()) if self.draw(st.booleans()) else ()
        rows = kind.gates * hidden
        weights = (
            self.constant(1, rows, n),
            self.constant(1, rows, hidden),
            self.constant(1, kind.biases * hidden),
        )
        steps = self.add(Transpose((2, 0, 1)), x)
        y = self.add(kind(initial=initial), steps, *weights)
        return self.add(Transpose((0, 2, 1)), self.add(Reshape((1, -1, hidden)), y))

    def pointwise(self, x):
        return self.add(self.draw(st.sampled_from(ACTIVATIONS)), x)

    def normalize(self, x):
        over_last = (Standardize(2, 1e-3), RmsNormalize(2, 1e-3), Softmax(2), LogSoftmax(2))
        if self.draw(st.booleans()):
            return self.add(self.draw(st.sampled_from((Softmax(1), LogSoftmax(1)))), x)
        return self.over_features(x, lambda f: self.add(self.draw(st.sampled_from(over_last)), f))

    def reduce(self, x):
        kind = self.draw(st.sampled_from((ReduceMean, ReduceMax, ReduceL2, ReduceLogSumExp)))
        return self.add(kind((1,), keepdims=True), x)

    def choose(self, x):
        """Some elements by a comparison, beside the extremes of two branches."""
        y = self.pointwise(x)
        condition = self.add(self.draw(st.sampled_from((Greater(), LessOrEqual()))), x, self.constant())
        extreme = self.add(self.draw(st.sampled_from((Max(), Min()))), y, self.constant(self.width(x), 1))
        return self.add(Where(), condition, extreme, x)

    def join(self, x):
        return self.add(Concat(1), x, self.pointwise(x)) if self.width(x) < 8 else x

    def rearrange(self, x):
        n = self.width(x)
        if self.draw(st.booleans()):
            places = tuple(self.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=5)))
            return self.add(Gather(1, places, (len(places),)), x)
        mode = self.draw(st.sampled_from(("constant", "edge")))
        before = self.draw(st.integers(1 - n, 2))
        return self.add(Pad(((0, 0), (before, 1), (0, 0)), mode, 0.25 if mode == "constant" else 0.0), x)

    def accumulate(self, x):
        """Sums over time, kept from growing past what the rest can take."""
        return self.add(Tanh(), self.add(CumSum(2, exclusive=self.draw(st.booleans())), x))

    def filter(self, x):
        """Sections with poles within the unit circle and any zeros: b0, β1, β2, α1, α2."""
        sections = []
        for _ in range(self.draw(st.integers(1, 3))):
            b0, b1, b2 = self.rng.uniform(-0.5, 0.5, 3)
            radius, angle = self.rng.uniform(0.3, 0.98), self.rng.uniform(0.01, 3.0)
            a1, a2 = -2 * radius * np.cos(angle), radius**2
            sections.append([b0, 2 * b0 + b1, b0 + b1 + b2, 2 + a1, 1 + a1 + a2])
        name = self.constant(len(sections), 5)
        self.constants[name] = np.array(sections, dtype=np.float32)
        return self.add(Tanh(), self.add(Biquad(), x, name))

    def adapt(self, x):
        """Running statistics, with any memory."""
        op = self.draw(st.sampled_from((ExponentialMovingAverage(), RunningZScore(0.1))))
        return self.add(op, x, self.constant(1, low=0.01, high=0.9))

    def mix(self, x):
        """Spatial filters: a constant matrix on the left."""
        return self.add(MatMul(), self.constant(self.draw(st.integers(1, 5)), self.width(x)), x)

    def over_features(self, x, layers):
        frames = self.add(Transpose((0, 2, 1)), x)
        return self.add(Transpose((0, 2, 1)), layers(frames))

    def dense(self, x):
        n, m = self.width(x), self.draw(st.integers(1, 5))
        bias = (self.constant(m),) if self.draw(st.booleans()) else ()
        return self.over_features(x, lambda f: self.add(Linear(), f, self.constant(n, m), *bias))

    def lif(self, x):
        n = self.width(x)
        beta, threshold = self.constant(n, low=0.3, high=0.95), self.constant(n, low=0.1, high=0.9)
        return self.over_features(x, lambda f: self.add(Lif(), f, beta, threshold))

    def scan(self, x):
        n, states = self.width(x), self.draw(st.integers(1, 4))
        A, D = self.constant(n, states, low=-2.0, high=-0.1), self.constant(n)

        def block(f):
            delta = self.add(Softplus(), self.add(Linear(), f, self.constant(n, n)))
            B = self.add(Linear(), f, self.constant(n, states))
            C = self.add(Linear(), f, self.constant(n, states))
            return self.add(SelectiveScan(), f, delta, A, B, C, D)

        return self.over_features(x, block)

    def split(self, x):
        n = self.width(x)
        kept = self.draw(st.integers(1, n))
        low, high = self.add(Slice(1, 0, kept), x), self.add(Slice(1, n - kept, n), x)
        return self.add(self.draw(st.sampled_from((Mul(), Sub()))), low, high)

    def residual(self, x):
        y = self.pointwise(x)
        part = self.add(Slice(1, 0, 1), y)
        return self.add(Add(), self.add(Add(), y, part), x)

    def classify(self, x, length, stride):
        """A layer that needs whole windows: dense over time, a mean or maximum over it, or its last frame."""
        windows = self.add(Windows(2, 0, length, stride), x)  # (windows, channels, length)
        kind = self.draw(st.sampled_from(("dense", "mean", "maximum", "last")))
        if kind == "mean":
            return self.add(ReduceMean((2,), keepdims=False), windows)
        if kind == "maximum":
            return self.add(ReduceMax((2,), keepdims=True), windows)
        if kind == "last":
            return self.add(Gather(2, (length - 1,), ()), windows)
        size = length * self.width(x)
        return self.add(Linear(), self.add(Reshape((-1, size)), windows), self.constant(size, 2))


@st.composite
def graphs(draw):
    """A graph over 480 samples; its outputs are its end and something in the middle."""
    builder = Builder(draw, LAYERS, 480)
    x = "x"
    for _ in range(draw(st.integers(1, 6))):
        x = builder.layer(x)
    inner = draw(st.sampled_from([node.outputs[0] for node in builder.nodes]))
    return builder.graph(tuple(dict.fromkeys((x, inner))))


@st.composite
def classifiers(draw, layers=LAYERS, whole=False):
    """A graph that ends with windows of a few frames, or of all of its recording."""
    builder = Builder(draw, layers, 96)
    x = "x"
    for _ in range(draw(st.integers(1, 4))):
        x = builder.layer(x)
    frames = builder.type(x).frames
    length = frames if whole else draw(st.integers(1, min(12, frames)))
    return builder.graph((builder.classify(x, length, draw(st.integers(1, 4))),))
