"""What a streaming graph becomes: C99 source, its shared library on the host, a one-step ONNX model."""
